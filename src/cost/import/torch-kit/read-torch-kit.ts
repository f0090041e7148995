import { findDeviceSheet } from "../../../rack/catalog/catalog.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import { fieldPath, firstIssue } from "../../../rack/schema-parts.ts";
import type { MeasuredOperator, MeasuredTable } from "../../operator/measured-table.ts";
import { type FilteredTable, plausibleRows } from "../../operator/plausible-rows.ts";
import { measurementsInvalid } from "../measurement-error.ts";
import { type TorchKitFile, torchKitSchema } from "./torch-kit-schema.ts";

/** Longest file read, in characters: the fullest kit writes 300,000. */
export const KIT_TEXT_MAX = 32_000_000;

/** What a file of the kit holds. */
export interface TorchKitResult {
  readonly file: TorchKitFile;
  readonly table: MeasuredTable;
  /** The device's sheet where the catalogue has it. */
  readonly sheet: DeviceSheet | undefined;
  /** The table less rows that the sheet's figures make impossible; absent where the device is not known. */
  readonly filtered: FilteredTable | undefined;
}

/** Devices that the catalogue does not have. */
export interface KitDevices {
  /** What the file is of, whatever it says. */
  readonly device?: DeviceSheet | undefined;
  readonly known?: readonly DeviceSheet[];
}

/**
 * Reads what the PyTorch kit wrote, and holds it against the figures of the device where that is known: the one the user says it is, else by the id given
 * to the kit (of `known` or of the catalogue), else by the name its driver reports.
 *
 * Errors: `measurements-invalid` with the field.
 */
export function readTorchKit(text: string, name: string, { device, known = [] }: KitDevices = {}): TorchKitResult {
  if (text.length > KIT_TEXT_MAX) throw measurementsInvalid({ file: name }, `${text.length} characters, at most ${KIT_TEXT_MAX} are read`);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (thrown) {
    throw measurementsInvalid({ file: name }, "is no JSON", thrown);
  }
  const checked = torchKitSchema.safeParse(content);
  if (!checked.success) {
    const { path, message } = firstIssue(checked.error);
    throw measurementsInvalid({ file: name, column: fieldPath(path) }, message);
  }
  const file = checked.data;
  const named = device ?? known.find(({ id }) => id === file.catalogueId) ?? findDeviceSheet(file.catalogueId);
  if (file.catalogueId !== "" && named === undefined)
    throw measurementsInvalid({ file: name, column: "catalogueId" }, `the catalogue has no device ${file.catalogueId}`);
  const sheet = named ?? sheetOfName(file.device.name);
  const table = tableOf(file, name);
  return { file, table, sheet, filtered: sheet === undefined ? undefined : plausibleRows(table, sheet) };
}

function tableOf(file: TorchKitFile, name: string): MeasuredTable {
  const rows = file.rows.map(({ query, ns }, index): MeasuredOperator => ({ query, ns, row: index + 1 }));
  return { file: name, device: file.device.name, engine: `PyTorch ${file.device.torch}`, rows, skipped: file.skipped };
}

/** Names that drivers report, by the device they mean; a memory size in the name tells two of one chip apart. */
const DRIVER_NAMES: readonly (readonly [RegExp, string])[] = [
  [/A100-SXM4-80GB/i, "a100-sxm"],
  [/A100-SXM4-40GB/i, "a100-sxm-40"],
  [/A100(-| )80GB PCIe|A100-PCIE-80GB/i, "a100-pcie"],
  [/A100-PCIE-40GB/i, "a100-pcie-40"],
  [/H100 80GB HBM3/i, "h100-sxm"],
  [/H100 PCIe/i, "h100-pcie"],
  [/H200$|H200 SXM/i, "h200-sxm"],
  [/H800$/i, "h800-sxm"],
  [/H20$/i, "h20"],

  [/GB200$/i, "gb200"],
  [/B200$/i, "b200-sxm"],
  [/RTX 4090$/i, "rtx-4090"],
  [/RTX PRO 6000 Blackwell Server/i, "rtx-pro-6000"],
  [/L40S$/i, "l40s"],
  [/\bL4$/i, "l4"],
  [/\bT4$/i, "t4"],
  [/V100-SXM2-32GB/i, "v100-sxm"],
  [/MI300X/i, "mi300x"],
  [/MI325X/i, "mi325x"],
  [/MI355X/i, "mi355x"],
  [/Arc\S* Pro B60/i, "arc-pro-b60"],
];

function sheetOfName(name: string): DeviceSheet | undefined {
  const id = DRIVER_NAMES.find(([pattern]) => pattern.test(name.trim()))?.[1];
  return id === undefined ? undefined : findDeviceSheet(id);
}

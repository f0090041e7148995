import { HeddleError } from "../../base/heddle-error.ts";
import { INSTINCT } from "./amd/instinct.ts";
import { AWS_NEURON } from "./cloud/aws.ts";
import { GOOGLE_TPU } from "./cloud/google-tpu.ts";
import { DATAFLOW } from "./dataflow/dataflow.ts";
import type { DeviceSheet } from "./device-sheet.ts";
import { INTEL } from "./intel/intel.ts";
import { nearNames } from "./near-names.ts";
import { AMPERE } from "./nvidia/ampere.ts";
import { BLACKWELL_GPUS } from "./nvidia/blackwell.ts";
import { HOPPER } from "./nvidia/hopper.ts";
import { RUBIN_AND_DPU } from "./nvidia/rubin.ts";
import { TURING_AND_ADA } from "./nvidia/turing-and-ada.ts";

/** Devices that can be bought, rented or were announced, every figure with its source; a figure that no source gives is absent. */
export const DEVICE_SHEETS: readonly DeviceSheet[] = [
  ...TURING_AND_ADA,
  ...AMPERE,
  ...HOPPER,
  ...BLACKWELL_GPUS,
  ...RUBIN_AND_DPU,
  ...INSTINCT,
  ...INTEL,
  ...GOOGLE_TPU,
  ...AWS_NEURON,
  ...DATAFLOW,
];

/** Short names people use for one form of a device. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  v100: "v100-sxm",
  a100: "a100-sxm",
  a100sxm80gb: "a100-sxm",
  h100: "h100-sxm",
  h200: "h200-sxm",
  h800: "h800-sxm",
  b200: "b200-sxm",
  b300: "b300-sxm",
  rtxpro6000server: "rtx-pro-6000",
};

const BY_NAME: ReadonlyMap<string, DeviceSheet> = new Map(DEVICE_SHEETS.map((sheet) => [plainName(sheet.id), sheet]));

/** The sheet of a device, or undefined where the catalogue has none. Case, hyphens and underscores do not matter: `H100_SXM` is `h100-sxm`. */
export function findDeviceSheet(name: string): DeviceSheet | undefined {
  const plain = plainName(name);
  return BY_NAME.get(plain) ?? BY_NAME.get(plainName(Object.hasOwn(SHORT_NAMES, plain) ? SHORT_NAMES[plain]! : ""));
}

/** The sheet of a device. Errors: `device-unknown` with ids near the name. */
export function deviceSheet(name: string): DeviceSheet {
  const sheet = findDeviceSheet(name);
  if (sheet !== undefined) return sheet;
  const near = nearNames(
    name,
    DEVICE_SHEETS.map(({ id }) => id),
  );
  throw new HeddleError("device-unknown", { where: name, detail: `near it: ${near.join(", ")}` });
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

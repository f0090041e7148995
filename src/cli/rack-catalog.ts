import { HeddleError } from "../base/heddle-error.ts";
import { quantity } from "../base/quantity.ts";
import { DEVICE_SHEETS, deviceSheet } from "../rack/catalog/catalog.ts";
import type { DeviceSheet, Figure } from "../rack/catalog/device-sheet.ts";
import { readDeviceSheet, writeDeviceSheet } from "../rack/catalog/device-sheet-file.ts";
import { isUnconfirmed } from "../rack/catalog/figure.ts";
import { LINK_SHEETS } from "../rack/catalog/links.ts";
import { formatNs, printResult, table } from "./output.ts";
import { parseTextFile } from "./read-file.ts";

/** `heddle rack catalog`. Errors: `usage`; those of `sheetOf`. */
export function catalog(name: string | undefined, flags: { readonly yaml?: boolean; readonly json?: boolean }): void {
  if (name === undefined) {
    if (flags.yaml === true) throw new HeddleError("usage", { where: "--yaml", detail: "needs the id of one device" });
    printResult(flags.json === true, { devices: DEVICE_SHEETS, links: LINK_SHEETS }, catalogText);
    return;
  }
  const sheet = sheetOf(name);
  if (flags.yaml === true && flags.json === true) throw new HeddleError("usage", { where: "--yaml", detail: "not together with --json" });
  if (flags.yaml === true) process.stdout.write(writeDeviceSheet(sheet));
  else printResult(flags.json === true, sheet, () => sheetText(sheet));
}

/**
 * The sheet of a catalogue id, or of a file that ends in `.yaml` or `.yml`.
 *
 * Errors: `device-unknown`, `file-unreadable`, `device-sheet-invalid`.
 */
export function sheetOf(name: string): DeviceSheet {
  if (!/\.ya?ml$/i.test(name)) return deviceSheet(name);
  return parseTextFile(name, readDeviceSheet);
}

function catalogText(): string {
  const devices = DEVICE_SHEETS.map(({ id, vendor, year, peaks, memory, scaleUp, powerWatts, dollarsPerHour }) => [
    id,
    vendor,
    String(year ?? ""),
    cell(peaks.bf16 ?? peaks.f16, "FLOP/s"),
    cell(peaks.f8e4m3 ?? peaks.i8, peaks.f8e4m3 === undefined ? "OP/s" : "FLOP/s"),
    cell(peaks.f4e2m1, "FLOP/s"),
    quantity(memory.capacityBytes.value, "B"),
    quantity(memory.bandwidthBytesPerSecond.value, "B/s"),
    scaleUp === undefined ? "" : `${quantity(scaleUp.bandwidthBytesPerSecond.value, "B/s")} ${scaleUp.name}`,
    powerWatts === undefined ? "" : `${powerWatts.value} W`,
    dollarsPerHour === undefined ? "" : dollarsPerHour.value.toFixed(2),
  ]);
  const links = LINK_SHEETS.map(({ id, name, bandwidthBytesPerSecond }) => [id, name, quantity(bandwidthBytesPerSecond.value, "B/s")]);
  const heads = ["device", "vendor", "year", "16 bit", "8 bit", "4 bit", "memory", "bandwidth", "to its node, a direction", "power", "$/h"];
  const unsure = DEVICE_SHEETS.flatMap((sheet) => unconfirmedFields(sheet).map((field) => `${sheet.id} ${field}`));
  const marks = unsure.length === 0 ? [] : [`unconfirmed, written from memory of their source: ${unsure.join(", ")}`];
  return [table(heads, devices), table(["link", "name", "a direction"], links), ...marks].join("\n\n");
}

function cell(figure: Figure | undefined, unit: string): string {
  return figure === undefined ? "" : quantity(figure.value, unit);
}

/** A figure of a device with its name and unit. */
interface SheetFigure {
  readonly field: string;
  readonly figure: Figure;
  readonly unit: string;
}

function unconfirmedFields(sheet: DeviceSheet): string[] {
  return figuresOf(sheet).flatMap(({ field, figure }) => (isUnconfirmed(figure) ? [field] : []));
}

/** Every figure of a device, one a row; those that nothing confirmed say so in their source, and are counted below. */
function sheetText(sheet: DeviceSheet): string {
  const rows = figuresOf(sheet).map(({ field, figure, unit }) => [
    field,
    unit === "" ? String(figure.value) : unit === "ns" ? formatNs(figure.value) : quantity(figure.value, unit),
    figure.basis,
    figure.source,
  ]);
  const unsure = unconfirmedFields(sheet);
  return [
    `${sheet.name}, ${sheet.vendor}, ${sheet.kind}`,
    table(["figure", "value", "basis", "source"], rows),
    ...(unsure.length === 0 ? [] : [`${unsure.length} unconfirmed, written from memory of the source: ${unsure.join(", ")}`]),
  ].join("\n\n");
}

function figuresOf(sheet: DeviceSheet): SheetFigure[] {
  const rows: SheetFigure[] = [];
  const add = (field: string, figure: Figure | undefined, unit: string): void => {
    if (figure !== undefined) rows.push({ field, figure, unit });
  };
  for (const [type, figure] of Object.entries(sheet.peaks)) add(`peaks.${type}`, figure, type.startsWith("i") ? "OP/s" : "FLOP/s");
  add("memory.capacityBytes", sheet.memory.capacityBytes, "B");
  add("memory.bandwidthBytesPerSecond", sheet.memory.bandwidthBytesPerSecond, "B/s");
  add("cores.count", sheet.cores?.count, "");
  add("cores.clockHz", sheet.cores?.clockHz, "Hz");
  add("cores.localBytes", sheet.cores?.localBytes, "B");
  add("cache.bytes", sheet.cache?.bytes, "B");
  add("cache.bandwidthBytesPerSecond", sheet.cache?.bandwidthBytesPerSecond, "B/s");
  for (const field of ["scaleUp", "host", "network"] as const) {
    add(`${field} (${sheet[field]?.name})`, sheet[field]?.bandwidthBytesPerSecond, "B/s");
    add(`${field}.latencyNs`, sheet[field]?.latencyNs, "ns");
  }
  add("perNode", sheet.perNode, "");
  add("powerWatts", sheet.powerWatts, "W");
  add("dollarsPerHour", sheet.dollarsPerHour, "");
  return rows;
}

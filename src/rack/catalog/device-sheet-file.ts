import { Document } from "yaml";
import type { HeddleError } from "../../base/heddle-error.ts";
import type { PeakType } from "../peak-type.ts";
import { readYaml } from "../yaml-text.ts";
import { DEVICE_SHEETS, findDeviceSheet } from "./catalog.ts";
import type { DeviceSheet, Figure, LinkFigures } from "./device-sheet.ts";
import { deviceSheetSchema, type WrittenFigure, type WrittenLink, type WrittenSheet } from "./device-sheet-schema.ts";
import { type FigureUnit, figureFactor, figureQuantity, unitHint } from "./figure-text.ts";
import { LINK_SHEETS, linkFigures } from "./links.ts";
import { nearNames } from "./near-names.ts";
import { sheetFaults } from "./sheet-faults.ts";

/** Longest device sheet read, in characters; the fullest of the catalogue takes 6,000. */
export const SHEET_TEXT_MAX = 100_000;

interface Reading {
  readonly sheet: WrittenSheet;
  readonly base: DeviceSheet | undefined;
  invalidAt(path: readonly PropertyKey[], problem: string): HeddleError;
}

/**
 * Reads a device sheet: the fields of `DeviceSheet`, figures as numbers in base units or as text (`3.35 TB/s`), links by id (`nvlink-5`). With
 * `like: <id>` what is not given is taken from that device (its price is not), and `x2` means twice its figure. `like` names a device of
 * `known` or of the catalogue.
 *
 * Errors: `device-sheet-invalid` with line and field.
 */
export function readDeviceSheet(text: string, known: readonly DeviceSheet[] = []): DeviceSheet {
  const { value, invalidAt } = readYaml(text, { code: "device-sheet-invalid", schema: deviceSheetSchema, textMax: SHEET_TEXT_MAX });
  const base = value.like === undefined ? undefined : (known.find(({ id }) => id === value.like) ?? findDeviceSheet(value.like));
  if (value.like !== undefined && base === undefined) {
    const ids = [...known, ...DEVICE_SHEETS].map(({ id }) => id);
    throw invalidAt(["like"], `there is no device of that id; near it: ${nearNames(value.like, ids).join(", ")}`);
  }
  const read = { sheet: value, base, invalidAt };
  const result = wholeSheet(read);
  const fault = sheetFaults(result)[0];
  if (fault !== undefined) throw invalidAt(fault.split(" ")[0]!.split("."), fault);
  return result;
}

/** Writes a sheet as YAML; `readDeviceSheet` of it gives an equal sheet. */
export function writeDeviceSheet(sheet: DeviceSheet): string {
  return new Document(sheet, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 });
}

function wholeSheet(read: Reading): DeviceSheet {
  const { sheet, base, invalidAt } = read;
  const required = <T>(field: string, given: T | undefined): T => {
    if (given === undefined) throw invalidAt([field], `is missing, and no \`like\` gives it`);
    return given;
  };
  const cores = coresOf(read);
  const cache = cacheOf(read);
  const price = sheet.dollarsPerHour === undefined ? undefined : figureOf(read, "dollars/h", ["dollarsPerHour"], base?.dollarsPerHour);
  return {
    id: sheet.id,
    name: sheet.name ?? (base === undefined ? sheet.id : `${sheet.id}, like ${base.name}`),
    vendor: required("vendor", sheet.vendor ?? base?.vendor),
    kind: required("kind", sheet.kind ?? base?.kind),
    ...optional("year", sheet.year ?? base?.year),
    peaks: peaksOf(read),
    memory: {
      capacityBytes: required("memory.capacityBytes", figureOf(read, "bytes", ["memory", "capacityBytes"], base?.memory.capacityBytes)),
      bandwidthBytesPerSecond: required(
        "memory.bandwidthBytesPerSecond",
        figureOf(read, "bytes/s", ["memory", "bandwidthBytesPerSecond"], base?.memory.bandwidthBytesPerSecond),
      ),
    },
    ...optional("cores", cores),
    ...optional("cache", cache),
    ...optional("scaleUp", linkOf(read, "scaleUp")),
    ...optional("host", linkOf(read, "host")),
    ...optional("network", linkOf(read, "network")),
    ...optional("perNode", figureOf(read, "count", ["perNode"], base?.perNode)),
    ...optional("powerWatts", figureOf(read, "W", ["powerWatts"], base?.powerWatts)),
    ...optional("dollarsPerHour", price),
  };
}

function peaksOf(read: Reading): DeviceSheet["peaks"] {
  const { sheet, base } = read;
  if (typeof sheet.peaks === "string" && (base === undefined || figureFactor(sheet.peaks) === undefined))
    throw read.invalidAt(["peaks"], "must be figures by type, or with `like` a factor such as x2");
  const types = new Set([...Object.keys(base?.peaks ?? {}), ...Object.keys(typeof sheet.peaks === "object" ? sheet.peaks : {})]);
  const peaks: Partial<Record<PeakType, Figure>> = {};
  for (const type of types as Set<PeakType>) {
    const path = typeof sheet.peaks === "string" ? ["peaks"] : ["peaks", type];
    const figure = figureOf(read, "operations/s", path, base?.peaks[type]);
    if (figure !== undefined) peaks[type] = figure;
  }
  return peaks;
}

function coresOf(read: Reading): DeviceSheet["cores"] {
  const { base, invalidAt, sheet } = read;
  const count = figureOf(read, "count", ["cores", "count"], base?.cores?.count);
  if (count === undefined) {
    if (sheet.cores !== undefined) throw invalidAt(["cores"], "count is missing, and no `like` gives it");
    return undefined;
  }
  return {
    count,
    ...optional("clockHz", figureOf(read, "Hz", ["cores", "clockHz"], base?.cores?.clockHz)),
    ...optional("localBytes", figureOf(read, "bytes", ["cores", "localBytes"], base?.cores?.localBytes)),
  };
}

function cacheOf(read: Reading): DeviceSheet["cache"] {
  const { base, invalidAt, sheet } = read;
  const bytes = figureOf(read, "bytes", ["cache", "bytes"], base?.cache?.bytes);
  if (bytes === undefined) {
    if (sheet.cache !== undefined) throw invalidAt(["cache"], "bytes is missing, and no `like` gives it");
    return undefined;
  }
  const path = ["cache", "bandwidthBytesPerSecond"];
  return { bytes, ...optional("bandwidthBytesPerSecond", figureOf(read, "bytes/s", path, base?.cache?.bandwidthBytesPerSecond)) };
}

function linkOf(read: Reading, field: "scaleUp" | "host" | "network"): LinkFigures | undefined {
  const given: WrittenLink | undefined = read.sheet[field];
  const inherited = read.base?.[field];
  if (given === undefined) return inherited;
  if (typeof given === "string") {
    if (LINK_SHEETS.some(({ id }) => id === given)) return linkFigures(given);
    const near = nearNames(
      given,
      LINK_SHEETS.map(({ id }) => id),
    );
    throw read.invalidAt([field], `there is no link ${given}; near it: ${near.join(", ")}`);
  }
  const bandwidth = figureOf(read, "bytes/s", [field, "bandwidthBytesPerSecond"], inherited?.bandwidthBytesPerSecond);
  const name = given.name ?? inherited?.name;
  if (bandwidth === undefined || name === undefined)
    throw read.invalidAt([field], `${name === undefined ? "name" : "bandwidthBytesPerSecond"} is missing, and no \`like\` gives it`);
  const latencyNs = figureOf(read, "ns", [field, "latencyNs"], inherited?.latencyNs);
  return { name, bandwidthBytesPerSecond: bandwidth, ...optional("latencyNs", latencyNs) };
}

/** The figure at a path: what the sheet gives, else what the device it is like has. */
function figureOf(read: Reading, unit: FigureUnit, path: readonly string[], inherited: Figure | undefined): Figure | undefined {
  const given = writtenAt(read.sheet, path);
  if (given === undefined) return inherited;
  const { value, basis, source } = typeof given === "object" ? given : { value: given, basis: undefined, source: undefined };
  const own = source ?? read.sheet.source;
  if (typeof value === "number") return { value, basis: basis ?? "derived", source: own ?? `assumed in the sheet of ${read.sheet.id}` };
  const factor = figureFactor(value);
  if (factor === undefined) {
    const quantity = figureQuantity(value, unit);
    if (quantity === undefined) throw read.invalidAt(path, `must be ${unitHint(unit)}`);
    return { value: quantity, basis: basis ?? "derived", source: own ?? `assumed in the sheet of ${read.sheet.id}` };
  }
  if (inherited === undefined)
    throw read.invalidAt(path, `x${factor} of what? ${read.base?.id ?? "no `like` is given, and it"} has no such figure`);
  const times = `${factor} x ${inherited.source}`;
  return { value: inherited.value * factor, basis: basis ?? "derived", source: own === undefined ? times : `${own} (${times})` };
}

function writtenAt(sheet: WrittenSheet, path: readonly string[]): WrittenFigure | undefined {
  let node: unknown = sheet;
  for (const step of path) node = typeof node === "object" && node !== null ? (node as Record<string, unknown>)[step] : undefined;
  return node as WrittenFigure | undefined;
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}

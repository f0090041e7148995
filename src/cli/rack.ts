import { readFileSync } from "node:fs";
import { HeddleError } from "../base/heddle-error.ts";
import { quantity } from "../base/quantity.ts";
import { discoverRack } from "../execute/discover/discover-rack.ts";
import { modelSupport } from "../execute/discover/model-support.ts";
import { openProbe } from "../execute/discover/probe-program.ts";
import { rackFolder, writeWhole } from "../execute/discover/rack-cache.ts";
import { cacheFolder } from "../execute/model-store/cache-folder.ts";
import { isWholeModel } from "../plan/whole-model.ts";
import type { Device, Rack } from "../rack/rack.ts";
import { readRack, writeRack } from "../rack/rack-file.ts";
import { formatNs, note, printResult, table } from "./output.ts";
import { withShareProgress } from "./share-progress.ts";
import { absentDrivers, supportText } from "./support-report.ts";

interface DiscoverFlags {
  readonly recalibrate?: boolean;
  readonly fast?: boolean;
  readonly json?: boolean;
  readonly output?: string;
  readonly model?: string;
}

/** `heddle rack discover`. Errors: those of measuring, and of reading a model. */
export async function discover(flags: DiscoverFlags): Promise<void> {
  const rack = await discoverWithProgress(flags);
  if (flags.output !== undefined) writeWhole(flags.output, writeRack(rack));
  if (flags.model !== undefined) await printSupport(rack, flags.model, flags.json === true);
  else printResult(flags.json === true, rack, () => rackText(rack));
  if (flags.fast !== true) note(`cached in ${rackFolder(rack.fingerprint)}`);
}

/** `heddle rack show`. Errors: those of reading the rack, and a model. */
export async function showRack(file: string | undefined, flags: Pick<DiscoverFlags, "json" | "model">): Promise<void> {
  const shown = file === undefined ? await discoverWithProgress({}) : readRackFile(file);
  if (flags.model !== undefined) return printSupport(shown, flags.model, flags.json === true);
  printResult(flags.json === true, shown, () => rackText(shown));
}

/** Asks the rack's devices about a model. Errors: those of reading it. */
async function printSupport(rack: Rack, model: string, json: boolean): Promise<void> {
  const probe = openProbe(model);
  const devices = await withShareProgress("asking devices", ({ signal }) =>
    modelSupport(rack, probe, { cacheFolder: cacheFolder(), signal }),
  );
  const absent = absentDrivers(rack);
  printResult(json, { model, rack: rack.name, devices, absent }, () => supportText(model, devices, absent));
}

/** The rack of this machine, with progress where it has to be measured. Errors: those of `discoverRack`. */
export function discoverWithProgress(flags: Pick<DiscoverFlags, "recalibrate" | "fast">): Promise<Rack> {
  return withShareProgress("measuring this machine", ({ signal, onProgress }) =>
    discoverRack({ ...flags, signal, onProgress: ({ share, text }) => onProgress(share, text) }),
  );
}

/** Errors: `file-unreadable`, `rack-invalid`. */
export function readRackFile(path: string): Rack {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
  return readRack(text);
}

/** A rack for people: devices, memories, links. */
export function rackText(rack: Rack): string {
  const devices = rack.devices.map((device) => [
    device.id,
    device.driver,
    String(device.threads),
    device.cores.join(" "),
    device.memory,
    ...calibrationCells(device),
  ]);
  const memories = rack.memories.map((memory) => [
    memory.id,
    memory.tier,
    quantity(memory.capacityBytes, "B"),
    `${quantity(memory.bandwidthBytesPerSecond, "B/s")} (${memory.basis})`,
  ]);
  return [
    `${rack.name}, fingerprint ${rack.fingerprint}`,
    table(
      ["device", "driver", "threads", "cores", "memory", "weights stream", "launch", "operator", "slowed by neighbours", "scatter"],
      devices,
    ),
    ...peakTable(rack),
    table(["memory", "tier", "capacity", "bandwidth"], memories),
    table(["link", "latency", "bandwidth"], linkRows(rack)),
  ].join("\n\n");
}

/** Peaks that the file gives; those that follow from a calibration are not among them. */
function peakTable({ devices }: Rack): readonly string[] {
  const rows = devices.flatMap(({ id, peaks = [] }) =>
    peaks.map(({ type, operationsPerSecond, basis, source }) => [
      id,
      type,
      `${quantity(operationsPerSecond, "FLOP/s")} (${basis})`,
      source,
    ]),
  );
  return rows.length === 0 ? [] : [table(["device", "type", "peak", "source"], rows)];
}

function calibrationCells(device: Device): readonly string[] {
  const { calibration } = device;
  if (isWholeModel(device)) return ["whole models only: measured by a plan that pins it", "", "", "", ""];
  if (calibration === undefined) return ["not calibrated", "", "", "", ""];
  const { streamBytesPerSecond, launchNs, operatorNs, concurrentSlowdown, noise } = calibration;
  return [
    quantity(streamBytesPerSecond, "B/s"),
    formatNs(launchNs),
    formatNs(operatorNs),
    concurrentSlowdown === undefined ? "alone" : `${concurrentSlowdown.toFixed(2)} x`,
    `±${Math.round(noise * 100)} %`,
  ];
}

/** Links of one kind with equal figures are one row: on one machine they were measured once. */
function linkRows(rack: Rack): readonly (readonly string[])[] {
  const rows = new Map<string, { readonly cells: readonly string[]; count: number }>();
  for (const { via, latencyNs, bandwidthBytesPerSecond, basis } of rack.links) {
    const cells = [`${formatNs(latencyNs)} (${basis})`, quantity(bandwidthBytesPerSecond, "B/s")];
    const key = [via, ...cells].join("|");
    const known = rows.get(key) ?? { cells: [via, ...cells], count: 0 };
    known.count += 1;
    rows.set(key, known);
  }
  return [...rows.values()].map(({ cells, count }) => [`${cells[0]}, ${count}`, ...cells.slice(1)]);
}

import { quantity } from "../base/quantity.ts";
import { isWholeModel } from "../plan/whole-model.ts";
import type { Device, Rack } from "../rack/rack.ts";
import { formatNs, table } from "./output.ts";

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
    ...refusedKernels(rack),
    ...peakTable(rack),
    table(["memory", "tier", "capacity", "bandwidth"], memories),
    table(["link", "latency", "bandwidth"], linkRows(rack)),
  ].join("\n\n");
}

/** Devices that cannot decode in heddle's own kernels though their driver can, with the reason. */
function refusedKernels({ devices }: Rack): readonly string[] {
  const lines = devices.flatMap(({ id, calibration }) => {
    const { kernels } = calibration ?? {};
    return kernels !== undefined && "refused" in kernels ? [`${id} does not decode in block-int8: ${kernels.refused}`] : [];
  });
  return lines.length === 0 ? [] : [lines.join("\n")];
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

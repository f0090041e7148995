import { type DeviceFigures, deviceFiguresOf } from "../../inspect/classify/device-figures.ts";
import type { Device, Rack } from "../../rack/rack.ts";
import type { PlacedType } from "../partition/graph-problem.ts";

/** Devices that can work at the same time, as the types of a placement problem. */
export interface DeviceSet {
  readonly types: readonly DeviceKindOfSet[];
  /** Ids in the order in which the problem numbers devices: type by type. */
  readonly ids: readonly string[];
}

export interface DeviceKindOfSet extends PlacedType {
  readonly figures: DeviceFigures;
  readonly ids: readonly string[];
}

/** Sets looked at: a bound on moves. */
const SETS_MAX = 8;
/** Stands for a link where a device is alone: nothing crosses it. */
const NO_LINK = { bytesPerSecond: 1e9, latencyNs: 0 };

/**
 * The largest sets of devices that share no core; alternatives of one machine (both cores as one device, or as two) end up in different ones. A memory
 * that several devices of a set have in common is divided evenly. Devices without a link to another one make a set of their own.
 *
 * `reserve`: share of a memory kept for activations and the runtime.
 */
export function deviceSets(rack: Rack, reserve: number): readonly DeviceSet[] {
  const figures = new Map(deviceFiguresOf(rack).map((one) => [one.id, one]));
  const linked = rack.devices.filter(({ id }) => figures.get(id)!.link !== undefined);
  const alone = rack.devices.filter((device) => !linked.includes(device)).map((device) => [device]);
  return [...disjointSets(linked), ...alone].map((devices) => setOf(devices, figures, reserve));
}

/** Maximal sets, each found by taking one device first and then all that fit beside what was taken, in the order of the rack. */
function disjointSets(devices: readonly Device[]): readonly (readonly Device[])[] {
  const sets = new Map<string, readonly Device[]>();
  for (const first of devices) {
    const chosen = [first];
    for (const device of devices) if (chosen.every((other) => !shareCores(device, other))) chosen.push(device);
    const ordered = devices.filter((device) => chosen.includes(device));
    if (sets.size < SETS_MAX) sets.set(ordered.map(({ id }) => id).join("\n"), ordered);
  }
  return [...sets.values()];
}

function shareCores(a: Device, b: Device): boolean {
  return a === b || (a.memory === b.memory && a.cores.some((core) => b.cores.includes(core)));
}

function setOf(devices: readonly Device[], figures: ReadonlyMap<string, DeviceFigures>, reserve: number): DeviceSet {
  const types = new Map<string, DeviceKindOfSet & { readonly ids: string[] }>();
  for (const { id, memory } of devices) {
    const own = figures.get(id)!;
    const sharers = devices.filter((other) => other.memory === memory).length;
    const memoryBytes = (own.memory.capacityBytes * (1 - reserve)) / sharers;
    const link = own.link ?? NO_LINK;
    const key = JSON.stringify([own.kind, own.peaks, own.bandwidth, own.overheads, link.bytesPerSecond, link.latencyNs, memoryBytes]);
    const known = types.get(key);
    if (known === undefined) types.set(key, { name: id, count: 1, memoryBytes, link, figures: own, ids: [id] });
    else known.ids.push(id);
  }
  const list = [...types.values()].map((type) => ({ ...type, count: type.ids.length, name: type.ids.join(", ") }));
  return { types: list, ids: list.flatMap(({ ids }) => ids) };
}

import { assert } from "../../base/assert.ts";
import { type DataflowRack, type DeviceId, HOME, type LinkId, type MemoryId } from "./dataflow-types.ts";

/** Look-ups made from a rack once. */
export interface RackMap {
  readonly memories: number;
  readonly memoryOf: Int32Array;
  readonly classOf: Int32Array;
  readonly hostOf: Int32Array;
  readonly devicesOfClass: readonly (readonly DeviceId[])[];
  readonly devicesOfMemory: readonly (readonly DeviceId[])[];
  readonly devicesOfMachine: readonly (readonly DeviceId[])[];
  /** Link from one memory to another, -1 where there is none: source * memories + target. */
  readonly linkBetween: Int32Array;
}

/** Errors: an assertion where ids do not fit together or a memory lacks links from or to home. */
export function createRackMap(rack: DataflowRack): RackMap {
  const memories = rack.memories.length;
  assert(rack.memories[HOME]?.host === 0, "memory 0 is the front end's");
  const machines = rack.devices.reduce((most, { machine = -1 }) => Math.max(most, machine + 1), 0);
  const linkBetween = new Int32Array(memories * memories).fill(-1);
  rack.links.forEach(({ source, target }, link) => {
    assert(source < memories && target < memories && source !== target, "a link joins two memories", { link });
    if (linkBetween[source * memories + target]! < 0) linkBetween[source * memories + target] = link;
  });
  for (let memory = 1; memory < memories; memory++) {
    assert(linkBetween[memory]! >= 0 && linkBetween[memory * memories]! >= 0, "a memory has links from and to home", { memory });
  }
  for (const { memory, host, class: deviceClass } of rack.devices) {
    assert(memory < memories && deviceClass < rack.classes.length, "a device has a memory and a class", { memory, deviceClass });
    assert(memory === HOME || rack.memories[memory]!.host === host, "a device and its memory belong to one host", { memory, host });
  }
  return {
    memories,
    memoryOf: Int32Array.from(rack.devices, ({ memory }) => memory),
    classOf: Int32Array.from(rack.devices, (device) => device.class),
    hostOf: Int32Array.from(rack.devices, ({ host }) => host),
    devicesOfClass: rack.classes.map((_, one) => indices(rack, (device) => device.class === one)),
    devicesOfMemory: rack.memories.map((_, one) => indices(rack, (device) => device.memory === one)),
    devicesOfMachine: Array.from({ length: machines }, (_, one) => indices(rack, ({ machine }) => machine === one)),
    linkBetween,
  };
}

function indices(rack: DataflowRack, takes: (device: DataflowRack["devices"][number]) => boolean): DeviceId[] {
  return rack.devices.flatMap((device, id) => (takes(device) ? [id] : []));
}

export function linkFrom(map: RackMap, source: MemoryId, target: MemoryId): LinkId {
  return map.linkBetween[source * map.memories + target]!;
}

import type { Device, Memory, Rack } from "../../src/rack/rack.ts";

const MEMORY: Memory = {
  id: "dram",
  tier: "dram",
  capacityBytes: 8e9,
  bandwidthBytesPerSecond: 10e9,
  basis: "data-sheet",
  source: "assumed: one core of a desktop",
};

/** Cores of this machine as a device: a thread each. */
export function cores(id: string, driver: string, numbers: readonly number[]): Device {
  return { id, kind: "cpu", driver, threads: numbers.length, cores: numbers, memory: MEMORY.id };
}

export function rackOf(...devices: readonly Device[]): Rack {
  return { version: 1, name: devices.map(({ id }) => id).join(" and "), fingerprint: "any", devices, memories: [MEMORY], links: [] };
}

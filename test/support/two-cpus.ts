import type { Rack } from "../../src/rack/rack.ts";

/** Two cores of this machine, a device each, on ONNX Runtime. */
export const TWO_CPUS: Rack = {
  version: 1,
  name: "two cpus",
  fingerprint: "any",
  devices: [0, 1].map((core) => ({ id: `cpu-${core}`, kind: "cpu", driver: "ort", threads: 1, cores: [core], memory: "dram" })),
  memories: [{ id: "dram", tier: "dram", capacityBytes: 4e9, bandwidthBytesPerSecond: 1e10, basis: "data-sheet", source: "assumed" }],
  links: [],
};

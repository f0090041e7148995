/** Steps of a decoder on racks of like devices. */
import type { Device, Rack } from "../../src/rack/rack.ts";
import type { Inputs } from "../../src/sdk/sdk-types.ts";
import { tensor } from "../../src/sdk/tensor.ts";

/** So many devices of ONNX Runtime, alike unless `row` says else. */
export function rackOfCpus(count: number, row: (core: number) => Partial<Device> = () => ({})): Rack {
  return {
    version: 1,
    name: `${count} cpus`,
    fingerprint: "any",
    devices: Array.from({ length: count }, (_unused, core) => ({
      id: `cpu-${core}`,
      kind: "cpu",
      driver: "ort",
      threads: 1,
      cores: [core],
      memory: "dram",
      ...row(core),
    })),
    memories: [{ id: "dram", tier: "dram", capacityBytes: 12e9, bandwidthBytesPerSecond: 1e10, basis: "data-sheet", source: "assumed" }],
    links: [],
  };
}

/** Tokens from a place on, and their positions. */
export function stepInputs(tokens: readonly number[], from: number): Inputs {
  const now = tokens.slice(from);
  return {
    tokens: tensor(BigInt64Array.from(now, BigInt), [now.length]),
    positions: tensor(
      BigInt64Array.from(now, (_one, i) => BigInt(from + i)),
      [now.length],
    ),
  };
}

export function likeliest(row: Float32Array): number {
  return row.indexOf(row.reduce((most, value) => Math.max(most, value), -Infinity));
}

/** Relative to the largest logit of its row. */
export function largestDifference(rows: readonly Float32Array[], expected: readonly Float32Array[]): number {
  return rows.reduce((worst, row, at) => {
    const other = expected[at]!;
    const size = other.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return row.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!) / size), worst);
  }, 0);
}

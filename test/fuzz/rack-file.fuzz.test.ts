// Goal: whatever the text, a rack file is a valid rack or `rack-invalid`, in bounded time. Method: seeded damage to a good file; random trees.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { seededPrng } from "../../src/base/prng.ts";
import type { Rack } from "../../src/rack/rack.ts";
import { checkRack } from "../../src/rack/rack-check.ts";
import { readRack, writeRack } from "../../src/rack/rack-file.ts";
import { mutateText } from "./mutate-text.ts";

const DAMAGED = 2000;
const TREES = 600;

const rack: Rack = {
  version: 1,
  name: "fuzz",
  fingerprint: "0123456789abcdef",
  devices: [0, 1].map((core) => ({
    id: `cpu-${core}`,
    kind: "cpu" as const,
    driver: "ort",
    threads: 1,
    cores: [core],
    memory: "dram",
    calibration: {
      products: [1, 8, 64].map((m) => ({ format: "int4" as const, m, n: 576, k: 1536, ns: 20_000 * m })),
      attention: [{ rows: 1, context: 64, heads: 9, kvHeads: 3, headDim: 64, ns: 4_000 }],
      launchNs: 12_000,
      operatorNs: 900,
      streamBytesPerSecond: 1.4e10,
      noise: 0.04,
    },
  })),
  memories: [{ id: "dram", tier: "dram", capacityBytes: 25e9, bandwidthBytesPerSecond: 1.2e10, basis: "measured" }],
  links: [{ from: "cpu-0", to: "cpu-1", via: "message-port", latencyNs: 9_000, bandwidthBytesPerSecond: 1e12, basis: "measured" }],
};

/** Reads and judges one text: true where it was a valid rack. Anything but a rack or `rack-invalid` with a place fails the test. */
function outcome(text: string, name: string): boolean {
  try {
    const read = readRack(text);
    expect(checkRack(read), name).toBeUndefined();
    expect(readRack(writeRack(read)), name).toEqual(read);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof HeddleError)) throw thrown;
    expect(thrown.code, name).toBe("rack-invalid");
    expect(thrown.where, name).toMatch(/^line \d+, ./);
    return false;
  }
}

describe("rack file, fuzzed", () => {
  it(`survives ${DAMAGED} damaged files`, () => {
    const good = writeRack(rack);
    let valid = 0;
    for (let seed = 0; seed < DAMAGED; seed++) if (outcome(mutateText(good, seededPrng(seed)), `seed ${seed}`)) valid += 1;
    // Both outcomes must occur, or the damage tests nothing.
    expect(valid).toBeGreaterThan(20);
    expect(valid).toBeLessThan(DAMAGED / 2);
  });

  it(`survives ${TREES} random trees`, () => {
    const key = fc.oneof(fc.constantFrom("version", "name", "devices", "memories", "links", "fingerprint", "calibration"), fc.string());
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.dictionary(key, tie("tree")), fc.array(tie("tree"))),
    }));
    fc.assert(
      fc.property(tree, (value) => outcome(JSON.stringify(value), JSON.stringify(value)) === false),
      { numRuns: TREES, seed: 7 },
    );
  });
});

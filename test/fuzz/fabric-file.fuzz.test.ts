// Goal: whatever the text, a fabric file runs or is `fabric-invalid` with a place, in bounded time. Method: seeded damage to a small file.
import { expect, it } from "vitest";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { seededPrng } from "../../src/base/prng.ts";
import { runFabric } from "../../src/simulate/fabric/read-fabric.ts";
import { mutateText } from "./mutate-text.ts";

const DAMAGED = 250;

it(`survives ${DAMAGED} damaged files`, () => {
  const good = `fabric: { kind: leaf-spine, leaves: 2, devicesPerLeaf: 2, spines: 1, cardBytesPerSecond: 400 Gb/s, spineBytesPerSecond: 50e9 }
jobs:
  - { name: a, kind: all-reduce, devices: [0, 2], bytes: 1 MB, stepNs: 2 us, repeats: 3, pauseNs: 1 ms }
  - { name: b, kind: all-to-all, devices: [1, 3], bytes: 1e6, startNs: 500 }
`;
  let valid = 0;
  for (let seed = 0; seed < DAMAGED; seed++) {
    try {
      for (const { meanNs, aloneNs } of runFabric(mutateText(good, seededPrng(seed))).runs) {
        expect(meanNs, `seed ${seed}`).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(meanNs + aloneNs), `seed ${seed}`).toBe(true);
      }
      valid += 1;
    } catch (thrown) {
      if (!(thrown instanceof HeddleError)) throw thrown;
      expect(thrown, `seed ${seed}`).toMatchObject({ code: "fabric-invalid", where: expect.stringMatching(/^line \d+, [\s\S]/) });
    }
  }
  // Both outcomes must occur, or the damage tests nothing.
  expect(valid).toBeGreaterThan(3);
  expect(valid).toBeLessThan(DAMAGED * 0.8);
});

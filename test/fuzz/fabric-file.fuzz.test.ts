// Goal: whatever the text, a fabric file runs or is `fabric-invalid` with a place, in bounded time. Method: seeded damage to the example, made small.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { seededPrng } from "../../src/base/prng.ts";
import { runFabric } from "../../src/simulate/fabric/read-fabric.ts";
import { mutateText } from "./mutate-text.ts";

const DAMAGED = 150;

it(`survives ${DAMAGED} damaged files`, () => {
  const good = readFileSync("examples/fabrics/two-jobs.yaml", "utf8").replace(/^#.*\n/gm, "");
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
  expect(valid).toBeGreaterThan(10);
  expect(valid).toBeLessThan(DAMAGED * 0.8);
});

// Goal: whatever the text, a table of measurements is read or is `measurements-invalid` with a place, in bounded time. Method: seeded damage to files.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { seededPrng } from "../../src/base/prng.ts";
import { readAttentionTimes, readDenseTimes } from "../../src/cost/import/llmservingsim/read-layer-tables.ts";
import { mutateText } from "./mutate-text.ts";

const CASES = 800;

interface Format {
  readonly good: string;
  /** Every number that was read. */
  readonly read: (text: string) => readonly number[];
}

const FORMATS: Readonly<Record<string, Format>> = {
  "LLMServingSim dense": {
    good: "layer,tokens,time_us\nqkv_proj,1,20.5\nqkv_proj,2,20.6\no_proj,1,11.25\no_proj,2,11.5\n",
    read: (text) => readDenseTimes(text, "dense.csv").flatMap(({ tokens, ns }) => [tokens, ns]),
  },
  "LLMServingSim attention": {
    good: "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,16,9.3\n128,0,4,512,30.25\n16,512,0,0,12\n",
    read: (text) => readAttentionTimes(text, "attention.csv").flatMap((row) => Object.values(row)),
  },
};

describe("tables of measurements, fuzzed", () => {
  it.each(Object.entries(FORMATS))(`%s survives ${CASES} damaged texts`, (name, { good, read }) => {
    let valid = 0;
    for (let seed = 0; seed < CASES; seed++) {
      const text = mutateText(good, seededPrng(seed));
      try {
        for (const value of read(text))
          if (!(value >= 0 && value < Infinity)) expect.unreachable(`${name} seed ${seed}: ${value} from ${text}`);
        valid += 1;
      } catch (thrown) {
        if (!(thrown instanceof HeddleError)) throw thrown;
        expect(thrown.code, `${name} seed ${seed}`).toBe("measurements-invalid");
        expect(thrown.where, `${name} seed ${seed}`).toContain(".csv");
      }
    }
    // Both outcomes must occur, or the damage tests nothing.
    expect(valid).toBeGreaterThan(5);
    expect(valid).toBeLessThan(CASES * 0.75);
  });
});

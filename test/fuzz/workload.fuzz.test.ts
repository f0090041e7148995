// Goal: whatever the bytes, a workload is valid or `workload-invalid` with a place, in bounded time. Method: seeded damage to files of each format.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { seededPrng } from "../../src/base/prng.ts";
import { createPrefixKeys } from "../../src/simulate/workload/prefix-keys.ts";
import { generateWorkload, readWorkload } from "../../src/simulate/workload/read-workload.ts";
import { WORKLOAD_NS_MAX, WORKLOAD_TOKENS_MAX, type Workload } from "../../src/simulate/workload/workload.ts";
import { mutateText } from "./mutate-text.ts";

const CASES = 800;

const GOOD: Readonly<Record<string, string>> = {
  "heddle JSONL": [
    '{"at_ms": 0, "prompt_tokens": 200, "output_tokens": 5, "prefix_group": "system", "prefix_tokens": 130}',
    '{"at_ms": 12.5, "prompt_tokens": 640, "output_tokens": 50, "hash_ids": [0, 3], "hash_block_tokens": 512}',
    '{"at_ms": 900, "prompt_tokens": 64, "output_tokens": 1}',
  ].join("\n"),
  "Mooncake JSONL": [
    '{"timestamp": 0, "input_length": 1300, "output_length": 5, "hash_ids": [0, 1, 2]}',
    '{"timestamp": 3000, "input_length": 600, "output_length": 4, "hash_ids": [0, 14]}',
  ].join("\n"),
  "Azure CSV": "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n",
  "poisson:": "poisson:rate=2,prompt=50-600,output=20-120,seconds=60,seed=1,prefix=4x256",
};

/** True where the text was a valid workload, which then keeps every bound; anything but `workload-invalid` fails the test. */
function outcome(read: () => Workload, name: string): boolean {
  try {
    const workload = read();
    let before = 0;
    for (const { atNs, promptTokens, outputTokens } of workload.requests) {
      const whole = [atNs, promptTokens, outputTokens].every(Number.isInteger);
      const bounded = atNs >= before && atNs <= WORKLOAD_NS_MAX && Math.max(promptTokens, outputTokens) <= WORKLOAD_TOKENS_MAX;
      if (!whole || !bounded || Math.min(promptTokens, outputTokens) < 1)
        expect.unreachable(`${name}: ${atNs} ${promptTokens} ${outputTokens}`);
      before = atNs;
    }
    if (workload.requests[0]!.promptTokens < 100_000) createPrefixKeys(workload).keysOf(0);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof HeddleError)) throw thrown;
    expect(thrown.code, name).toBe("workload-invalid");
    expect(thrown.where, name).not.toBe("");
    return false;
  }
}

describe("workloads, fuzzed", () => {
  it.each(Object.keys(GOOD))(`%s survives ${CASES} damaged texts`, (format) => {
    let valid = 0;
    for (let seed = 0; seed < CASES; seed++) {
      const text = mutateText(GOOD[format]!, seededPrng(seed));
      const read = format === "poisson:" ? () => generateWorkload(text) : () => readWorkload(new TextEncoder().encode(text));
      if (outcome(read, `${format} seed ${seed}: ${text}`)) valid += 1;
    }
    // Both outcomes must occur, or the damage tests nothing.
    expect(valid).toBeGreaterThan(5);
    expect(valid).toBeLessThan(CASES / 2);
  });

  it("survives random bytes", () => {
    const prng = seededPrng(5);
    for (let i = 0; i < 200; i++) {
      const bytes = Uint8Array.from({ length: prng.nextBelow(400) }, () => prng.nextBelow(256));
      expect(outcome(() => readWorkload(bytes), `bytes ${i}`)).toBe(false);
    }
  });
});

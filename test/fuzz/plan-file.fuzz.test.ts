// Goal: whatever the text, a plan file is a valid plan or `plan-invalid`, in bounded time. Method: seeded damage to a good file; random trees.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { seededPrng } from "../../src/base/prng.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { checkPlan } from "../../src/plan/plan-check.ts";
import { readPlan, writePlan } from "../../src/plan/plan-file.ts";
import { mutateText } from "./mutate-text.ts";

const DAMAGED = 2000;
const TREES = 600;

const estimate = { valueNs: 10, lowNs: 8, highNs: 12, basis: "measured", source: "table" } as const;
const stage = {
  driver: "ort",
  threads: 1,
  prefillFormat: "int8-row",
  decodeFormat: "int4",
  decodeStep: estimate,
  prefill512: estimate,
  why: "fastest",
} as const;
const plan: Plan = {
  version: 1,
  model: { name: "m", fingerprint: "0123456789abcdef", path: "/m.gguf" },
  rackFingerprint: "fedcba",
  replicas: [
    {
      id: 0,
      stages: [
        { ...stage, fromLayer: 0, toLayer: 20, device: "cpu-0" },
        { ...stage, fromLayer: 20, toLayer: 30, device: "cpu-1" },
      ],
      workingPages: 64,
      sealedSlots: 8,
      pageBytes: 2_949_120,
      maxSequences: 4,
      contextLimit: 1024,
    },
  ],
  policy: { maxChunkTokens: 256, maxStepStretch: 2, queueLimit: 32, kvReuse: "strict", prefixCache: true, hostTimeoutNs: 1e9 },
  predicted: { ttft512: estimate, tpot: estimate, tokensPerSecond8: 100 },
  reasons: ["because"],
};

/** Reads and judges one text: true where it was a valid plan. Anything but a plan or `plan-invalid` with a place fails the test. */
function outcome(text: string, name: string): boolean {
  try {
    const read = readPlan(text);
    expect(checkPlan(read), name).toBeUndefined();
    expect(readPlan(writePlan(read)), name).toEqual(read);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof HeddleError)) throw thrown;
    expect(thrown.code, name).toBe("plan-invalid");
    expect(thrown.where, name).not.toBe("");
    return false;
  }
}

describe("plan file, fuzzed", () => {
  it(`survives ${DAMAGED} damaged files`, () => {
    const good = writePlan(plan);
    let valid = 0;
    for (let seed = 0; seed < DAMAGED; seed++) if (outcome(mutateText(good, seededPrng(seed)), `seed ${seed}`)) valid += 1;
    // Both outcomes must occur, or the damage tests nothing.
    expect(valid).toBeGreaterThan(20);
    expect(valid).toBeLessThan(DAMAGED / 2);
  });

  it(`survives ${TREES} random trees`, () => {
    const key = fc.oneof(fc.constantFrom("version", "model", "replicas", "policy", "predicted", "reasons", "stages"), fc.string());
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.dictionary(key, tie("tree")), fc.array(tie("tree"))),
    }));
    fc.assert(
      fc.property(tree, (value) => outcome(JSON.stringify(value), JSON.stringify(value)) === false),
      { numRuns: TREES, seed: 11 },
    );
  });
});

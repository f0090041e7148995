// Goal: prompts are held back from decodes as the rule of an engine says, and no longer. Method: one long request decodes 1 ms a token while others
// arrive, worked out by hand; random runs decide alike leaping and one by one, which they do not once a leap ignores the gate.
import { describe, expect, it } from "vitest";
import { changingCase, offloadCase, servingCase, splitCase } from "../../../test/support/serving-cases.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { type PromptGate, vllmRules } from "../../policy/serving/scheduling-rules.ts";
import { auditServing } from "./audit-serving.ts";
import { runServing } from "./run-serving.ts";

const MS = 1_000_000;
const COST: IterationCost = { iterationNs: () => MS, spread: 0, basis: "data-sheet", source: "test" };
const LIMITS = { maxBatchedTokens: 64, maxSequences: 8, prefixCaching: false, chunkedPrefill: false };

/** First tokens in ms of requests of 16 tokens that arrive in the middle of these milliseconds, beside one that decodes from the start. */
function firstTokens(gate: PromptGate | undefined, arriveMs: readonly number[], stepping: "leap" | "unit" = "leap"): number[] {
  const count = arriveMs.length + 1;
  const base = vllmRules(LIMITS);
  const { firstTokenNs } = runServing({
    requests: {
      count,
      arrivalNs: Float64Array.from([0, ...arriveMs.map((ms) => (ms - 0.5) * MS)]),
      promptTokens: new Int32Array(count).fill(16),
      outputTokens: Int32Array.from({ length: count }, (_unused, i) => (i === 0 ? 100 : 2)),
      blockStart: new Int32Array(count + 1),
      blockIds: new Int32Array(0),
      blockTokens: 16,
    },
    replicas: [
      {
        ...{ pool: 0, role: "both", cost: COST, ...LIMITS, blockTokens: 16, kvBlocks: 101, overheadNs: 0, startUpNs: 0 },
        rules: { ...base, stepsAhead: 0, ...(gate && { gate }) },
      },
    ],
    ...{ routing: "round-robin", seed: 1, stepping },
  });
  return [...firstTokenNs].map((ns) => ns / MS);
}

describe("prompts beside decodes", () => {
  it("join the next iteration without a gate", () => {
    expect(firstTokens(undefined, [12, 13])).toEqual([1, 13, 14]);
  });
  it("wait for the next look at the queue, ten iterations after the last prompt", () => {
    const gate: PromptGate = { kind: "poll", steps: 10 };
    // The prompt is iteration 1; looks come before iterations 2, 12 and 22; after a prompt at once.
    expect(firstTokens(gate, [12, 13])).toEqual([1, 22, 22]);
    expect(firstTokens(gate, [11, 12])).toEqual([1, 12, 13]);
    expect(firstTokens(gate, [12, 13], "unit")).toEqual([1, 22, 22]);
  });
  it("wait until they fill an iteration, or for so many iterations", () => {
    const gate: PromptGate = { kind: "gather", tokens: 33, steps: 5 };
    // Two prompts and a decode are 33 tokens.
    expect(firstTokens(gate, [12, 14])).toEqual([1, 15, 15]);
    expect(firstTokens(gate, [12])).toEqual([1, 18]);
    expect(firstTokens(gate, [12], "unit")).toEqual([1, 18]);
  });
  it("wait for a prompt of each rank, or for the round to end", () => {
    const gate: PromptGate = { kind: "ranks", ranks: 1, waiting: 2, steps: 10 };
    expect(firstTokens(gate, [12, 14])).toEqual([1, 15, 15]);
    expect(firstTokens(gate, [12])).toEqual([1, 21]);
    // Once each rank has one, they wait for more.
    expect(firstTokens({ ...gate, batching: 3 }, [12, 14])).toEqual([1, 18, 18]);
    expect(firstTokens({ ...gate, batching: 3 }, [12, 14], "unit")).toEqual([1, 18, 18]);
    // With fewer decodes than ranks some rank has nothing to wait beside.
    expect(firstTokens({ ...gate, ranks: 2 }, [12])).toEqual([1, 13]);
  });
});

const GATES: readonly PromptGate[] = [
  { kind: "poll", steps: 7 },
  { kind: "gather", tokens: 60, steps: 9 },
  { kind: "ranks", ranks: 2, waiting: 3, steps: 8 },
  { kind: "ranks", ranks: 1, waiting: 2, steps: 9, batching: 4 },
];

describe("random runs with a gate", () => {
  it("keep their books, end every request and decide the same leaping and stepping", () => {
    for (const [at, of] of [servingCase, splitCase, offloadCase, changingCase].entries()) {
      for (let seed = 0; seed < 14; seed++) {
        const plain = seed % 2 === 0 ? {} : { mixing: "prefill-first" as const };
        const input = of(seed, { ...plain, gate: GATES[(seed + at) % GATES.length]! });
        const { faults, outcome } = auditServing(input);
        expect(faults, `seed ${seed}`).toEqual([]);
        const unit = runServing({ ...input, stepping: "unit" });
        expect([unit.hash, unit.endedNs], `seed ${seed}`).toEqual([outcome.hash, outcome.endedNs]);
      }
    }
  });
});

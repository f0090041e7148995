// Goal: the virtual serving run follows its rules and gives the same answers leaping and stepping. Method: runs small enough to be worked out by
// hand, with a price that is 1 ms an iteration and 1 µs a prompt token.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { DECISION, readDecisions } from "../../engine/serving/decision-log.ts";
import { vllmRules } from "../../policy/serving/scheduling-rules.ts";
import { runServing } from "./run-serving.ts";
import type { ReplicaSettings, RequestColumns, ServingInput } from "./serving-input.ts";

const COST: IterationCost = {
  iterationNs: ({ prefillTokens }) => 1_000_000 + 1000 * prefillTokens,
  spread: 0,
  basis: "data-sheet",
  source: "test",
};

function requests(
  rows: readonly { at: number; prompt: number; output: number; blocks?: readonly number[]; after?: number }[],
): RequestColumns {
  const blockStart = [0];
  for (const { blocks } of rows) blockStart.push(blockStart.at(-1)! + (blocks?.length ?? 0));
  return {
    count: rows.length,
    arrivalNs: Float64Array.from(rows, ({ at }) => at),
    promptTokens: Int32Array.from(rows, ({ prompt }) => prompt),
    outputTokens: Int32Array.from(rows, ({ output }) => output),
    blockStart: Int32Array.from(blockStart),
    blockIds: Int32Array.from(rows.flatMap(({ blocks }) => blocks ?? [])),
    blockTokens: 16,
    ...(rows.some(({ after }) => after !== undefined) ? { after: Int32Array.from(rows, ({ after }) => after ?? -1) } : {}),
  };
}

const LIMITS = { maxBatchedTokens: 64, maxSequences: 4, prefixCaching: true, chunkedPrefill: true };

function replica(changes: Partial<ReplicaSettings> = {}): ReplicaSettings {
  const base = { pool: 0, role: "both" as const, cost: COST, ...LIMITS, blockTokens: 16, kvBlocks: 101, overheadNs: 0, startUpNs: 0 };
  return { ...base, rules: { ...vllmRules(LIMITS), stepsAhead: 0 }, ...changes };
}

function run(input: Partial<ServingInput> & Pick<ServingInput, "requests">): ReturnType<typeof runServing> {
  return runServing({ replicas: [replica()], routing: "round-robin", seed: 1, stepping: "leap", ...input });
}

describe("a run of one replica", () => {
  it("prices a prompt in chunks and a token an iteration after it", () => {
    const { firstTokenNs, lastTokenNs, iterations } = run({ requests: requests([{ at: 0, prompt: 100, output: 5 }]) });
    expect([...firstTokenNs]).toEqual([1_064_000 + 1_036_000]);
    expect([...lastTokenNs]).toEqual([2_100_000 + 4_000_000]);
    expect(iterations).toBe(6);
  });

  it("serves decodes first and gives a newcomer what is left of the iteration", () => {
    const { firstTokenNs } = run({
      requests: requests([
        { at: 0, prompt: 64, output: 10 },
        { at: 1, prompt: 64, output: 2 },
      ]),
    });
    // 1.064 ms alone; then 63 tokens beside a decode; then the last one.
    expect([...firstTokenNs]).toEqual([1_064_000, 1_064_000 + 1_063_000 + 1_001_000]);
  });

  it("forms iterations one ahead where the rules say so: an arrival waits for one more", () => {
    const rows = requests([
      { at: 0, prompt: 64, output: 10 },
      { at: 1, prompt: 32, output: 2 },
    ]);
    const { firstTokenNs } = run({ requests: rows, replicas: [replica({ rules: vllmRules(LIMITS) })] });
    expect([...firstTokenNs]).toEqual([1_064_000, 1_064_000 + 1_000_000 + 1_032_000]);
  });

  it("finds the whole blocks of a shared prefix, and never the last token", () => {
    const blocks = [7, 8, 9, 10];
    const { cachedTokens } = run({
      requests: requests([
        { at: 0, prompt: 64, output: 1, blocks },
        { at: 9e9, prompt: 64, output: 1, blocks },
        { at: 18e9, prompt: 60, output: 1, blocks: blocks.slice(0, 3) },
      ]),
    });
    expect([...cachedTokens]).toEqual([0, 48, 48]);
  });

  it("preempts the newest where blocks are short, and finds again what was not overwritten", () => {
    // 4 blocks of 16: two prompts of 24 fill them; the first needs a third block at its 33rd token.
    const input = {
      requests: requests([
        { at: 0, prompt: 24, output: 20 },
        { at: 0, prompt: 24, output: 20 },
      ]),
      replicas: [replica({ kvBlocks: 5 })],
    };
    const outcome = run(input);
    expect(outcome.preemptions).toBe(1);
    expect(outcome.lastTokenNs[1]).toBeGreaterThan(outcome.lastTokenNs[0]!);
    const kinds = [...readDecisions(outcome.decisions)].map(({ kind, request, detail }) => [kind, request, detail]);
    // Both have 32 tokens when the first asks for more: the second loses its last block to it, and has 16 tokens when it is back.
    expect(kinds.filter(([kind]) => kind === 2)).toEqual([[2, 1, 32]]);
    expect(kinds.filter(([kind, request]) => kind === 1 && request === 1)).toEqual([
      [1, 1, 0],
      [1, 1, 16],
    ]);
    expect(run({ ...input, stepping: "unit" }).hash).toBe(outcome.hash);
  });

  it("refuses a request that can never fit, and says how many", () => {
    const outcome = run({
      requests: requests([
        { at: 0, prompt: 1600, output: 2 },
        { at: 0, prompt: 16, output: 2 },
      ]),
    });
    expect(outcome.rejected).toBe(1);
    expect(outcome.lastTokenNs[0]).toBe(-1);
    expect(outcome.lastTokenNs[1]).toBeGreaterThan(0);
  });

  it("starts a closed-loop request after the one it waits for", () => {
    const rows = requests([
      { at: 0, prompt: 64, output: 1 },
      { at: 0, prompt: 64, output: 1, after: 0 },
    ]);
    const { queuedNs, lastTokenNs } = run({ requests: { ...rows, thinkNs: Float64Array.from([0, 5000]) } });
    expect(queuedNs[1]).toBe(lastTokenNs[0]! + 5000);
  });

  it("brings back KV that was kept outside the devices, one request after the other", () => {
    // 8 blocks: a prompt of 96 tokens and its output take 7, so the second pushes the first out; tokens come back at 1 µs each.
    const first = [1, 2, 3, 4, 5, 6];
    const rows = requests([
      { at: 0, prompt: 96, output: 2, blocks: first },
      { at: 1e9, prompt: 96, output: 2, blocks: [11, 12, 13, 14, 15, 16] },
      { at: 2e9, prompt: 96, output: 2, blocks: first },
    ]);
    const offload = { bytes: 1e6, bandwidthBytesPerSecond: 1e9, bytesPerToken: 1000 };
    const kept = run({ requests: rows, replicas: [replica({ kvBlocks: 9, offload })] });
    expect([...kept.cachedTokens]).toEqual([0, 0, 80]);
    // Five blocks may come from caches: the first is still on the device, 64 tokens come back; the last 16 are computed anew.
    expect([...readDecisions(kept.decisions)].filter(({ kind }) => kind === DECISION.transfer).map(({ detail }) => detail)).toEqual([64]);
    expect(kept.firstTokenNs[2]! - 2e9).toBe(64_000 + 1_016_000);
    const small = run({ requests: rows, replicas: [replica({ kvBlocks: 9, offload: { ...offload, bytes: 0 } })] });
    expect(small.cachedTokens[2]).toBe(16);
  });

  it("brings the expected tokens of speculation, and no more than the output", () => {
    const steps = (draftTokens: number, acceptance: number, output: number): number => {
      const speculation = { draftTokens, acceptance, draftCost: 0 };
      return run({ requests: requests([{ at: 0, prompt: 64, output }]), replicas: [replica({ speculation })] }).iterations - 1;
    };
    expect(steps(1, 1, 11)).toBe(5);
    expect(steps(1, 0, 11)).toBe(10);
    // 1 + 0.5 tokens a step, 1 + 0.5 + 0.25 with a second draft.
    expect(steps(1, 0.5, 301)).toBe(200);
    expect(steps(2, 0.5, 351)).toBe(200);
    expect(steps(3, 1, 3)).toBe(1);
  });

  it("names what is wrong with its input", () => {
    const fault = (input: Parameters<typeof run>[0]): string => {
      try {
        run(input);
      } catch (thrown) {
        if (thrown instanceof HeddleError) return `${thrown.code} ${thrown.where}`;
      }
      return "none";
    };
    const good = requests([{ at: 0, prompt: 16, output: 1 }]);
    expect(fault({ requests: good })).toBe("none");
    expect(fault({ requests: { ...good, outputTokens: Int32Array.of(0) } })).toBe("workload-invalid outputTokens[0]");
    expect(fault({ requests: good, replicas: [] })).toBe("input-invalid replicas");
    expect(fault({ requests: good, replicas: [replica({ maxSequences: 0 })] })).toBe("input-invalid replicas[0].maxSequences");
    const ids = { ...good, blockStart: Int32Array.of(0, 1), blockIds: Int32Array.of(1), blockTokens: 24 };
    expect(fault({ requests: ids })).toBe("workload-invalid blockTokens");
  });
});

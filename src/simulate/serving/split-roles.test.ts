// Goal: prefill and decode apart hand KV over as the links allow. Method: runs of one or two requests, worked out by hand: an iteration takes 1 ms
// and 1 µs a prompt token, a token has 1,000 bytes of KV.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { vllmRules } from "../../policy/serving/scheduling-rules.ts";
import { runServing } from "./run-serving.ts";
import type { ReplicaSettings, RequestColumns, ServingInput } from "./serving-input.ts";

const COST: IterationCost = {
  iterationNs: ({ prefillTokens }) => 1_000_000 + 1000 * prefillTokens,
  spread: 0,
  basis: "data-sheet",
  source: "test",
};
const LIMITS = { maxBatchedTokens: 64, maxSequences: 4, prefixCaching: false, chunkedPrefill: true };
const LINK = { bytesPerToken: 1000, bandwidthBytesPerSecond: 1e9, latencyNs: 500, layerwise: false, layers: 4 };

function replica(role: ReplicaSettings["role"], kvBlocks = 101): ReplicaSettings {
  const base = { pool: 0, cost: COST, ...LIMITS, blockTokens: 16, overheadNs: 0, startUpNs: 0 };
  return { ...base, role, kvBlocks, rules: { ...vllmRules(LIMITS), stepsAhead: 0 } };
}

function requests(count: number, promptTokens: number, outputTokens: number): RequestColumns {
  return {
    count,
    arrivalNs: new Float64Array(count),
    promptTokens: new Int32Array(count).fill(promptTokens),
    outputTokens: new Int32Array(count).fill(outputTokens),
    blockStart: new Int32Array(count + 1),
    blockIds: new Int32Array(0),
    blockTokens: 16,
  };
}

function run(changes: Partial<ServingInput>): ReturnType<typeof runServing> {
  const replicas = [replica("prefill"), replica("decode")];
  return runServing({
    requests: requests(1, 64, 3),
    replicas,
    routing: "least-loaded",
    seed: 1,
    stepping: "leap",
    kvTransfer: LINK,
    ...changes,
  });
}

describe("prefill and decode apart", () => {
  it("give the first token where the prompt is computed, the others after its KV has moved", () => {
    const { firstTokenNs, lastTokenNs, replica: at, decodeReplica } = run({});
    expect([firstTokenNs[0], lastTokenNs[0]]).toEqual([1_064_000, 1_064_000 + 64_000 + 500 + 2_000_000]);
    expect([at[0], decodeReplica![0]]).toEqual([0, 1]);
  });

  it("end with the first token where it is the only one", () => {
    const { lastTokenNs, decodeReplica } = run({ requests: requests(1, 64, 1) });
    expect([lastTokenNs[0], decodeReplica![0]]).toEqual([1_064_000, -1]);
  });

  it("move layer by layer while later layers are computed", () => {
    // 48 of 64 kB are gone when the prompt is done, because computing takes longer than moving: the last layer is left.
    expect(run({ kvTransfer: { ...LINK, layerwise: true } }).lastTokenNs[0]).toBe(1_064_000 + 16_000 + 500 + 2_000_000);
  });

  it("share the link of a decode replica", () => {
    const replicas = [replica("prefill"), replica("prefill"), replica("decode")];
    const { lastTokenNs } = run({ requests: requests(2, 64, 2), replicas, routing: "round-robin" });
    expect([...lastTokenNs]).toEqual([0, 1].map(() => 1_064_000 + 128_000 + 500 + 1_000_000));
  });

  it("wait for room at the decode replica, with the KV where it was computed", () => {
    // 5 blocks (and the null block): one sequence of 64 + 5 tokens at a time.
    const input = { requests: requests(2, 64, 6), replicas: [replica("prefill"), replica("decode", 6)] };
    const { firstTokenNs, lastTokenNs } = run(input);
    expect(firstTokenNs[1]).toBe(2_128_000);
    expect(lastTokenNs[1]! - lastTokenNs[0]!).toBe(64_000 + 500 + 5_000_000);
  });

  it("move only what the decode replica has not got, where it keeps prefixes, and all of it where it does not", () => {
    const twice = {
      ...requests(2, 72, 3),
      arrivalNs: Float64Array.of(0, 20_000_000),
      blockStart: Int32Array.of(0, 4, 8),
      blockIds: Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3),
    };
    const caching = { ...LIMITS, prefixCaching: true };
    const keeps = { ...replica("decode"), prefixCaching: true, rules: { ...vllmRules(caching), stepsAhead: 0 as const } };
    const timesOf = (decode: ReplicaSettings): number[] => {
      const { firstTokenNs, lastTokenNs } = run({ requests: twice, replicas: [replica("prefill"), decode] });
      return [0, 1].map((i) => lastTokenNs[i]! - firstTokenNs[i]!);
    };
    // 72 tokens of 1,000 bytes at 1 GB/s; four whole blocks of 16 tokens are there the second time.
    expect(timesOf(replica("decode"))).toEqual([72_000 + 500 + 2_000_000, 72_000 + 500 + 2_000_000]);
    expect(timesOf(keeps)).toEqual([72_000 + 500 + 2_000_000, 8000 + 500 + 2_000_000]);
  });

  it("refuse roles that do not go together and links without a rate", () => {
    const fault = (changes: Partial<ServingInput>): string => {
      try {
        run(changes);
      } catch (thrown) {
        if (thrown instanceof HeddleError) return `${thrown.code} ${thrown.where}`;
      }
      return "none";
    };
    expect(fault({ replicas: [replica("prefill")] })).toBe("input-invalid replicas");
    expect(fault({ replicas: [replica("prefill"), replica("decode"), replica("both")] })).toBe("input-invalid replicas");
    expect(fault({ kvTransfer: { ...LINK, bandwidthBytesPerSecond: 0 } })).toBe("input-invalid kvTransfer.bandwidthBytesPerSecond");
    const { kvTransfer: _, ...bare } = { ...{ kvTransfer: LINK }, requests: requests(1, 4, 2), seed: 1, stepping: "leap" as const };
    const without = { ...bare, replicas: [replica("prefill"), replica("decode")], routing: "priced" as const };
    expect(() => runServing(without)).toThrow("kvTransfer");
  });
});

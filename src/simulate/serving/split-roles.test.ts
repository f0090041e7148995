// Goal: prefill and decode apart hand KV over as the links allow. Method: runs of one or two requests, worked out by hand: an iteration takes 1 ms
// and 1 µs a prompt token, a token has 1,000 bytes of KV.
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

  describe("and a replica is lost", () => {
    const pools = [replica("prefill"), replica("decode"), replica("decode")];
    const lose = (index: number, atNs: number, more: Partial<ServingInput> = {}): ReturnType<typeof runServing> =>
      run({ replicas: pools, outages: [{ replica: index, atNs, untilNs: atNs + 10_000_000 }], resubmitNs: 100_000, ...more });

    it("has what decoded computed anew by prefill, with the tokens it has", () => {
      // The first token is out at 1.064 ms, KV is there 64.5 us later, the second token is out and the third under way when the decode replica is lost.
      const { firstTokenNs, lastTokenNs, decodeReplica, resent } = lose(1, 2_500_000, { requests: requests(1, 64, 5) });
      // 67 of text in chunks of 64 and 3, which bring the fourth token; their KV moves; the fifth is decoded elsewhere.
      const prefilled = 2_600_000 + 1_064_000 + 1_003_000;
      expect([firstTokenNs[0], lastTokenNs[0]]).toEqual([1_064_000, prefilled + 67_000 + 500 + 1_000_000]);
      expect([decodeReplica![0], resent]).toEqual([2, 1]);
    });

    it("sends KV that had not come to another decode replica, from where it still is", () => {
      const { lastTokenNs, decodeReplica, decisions } = lose(1, 1_100_000);
      expect(lastTokenNs[0]).toBe(1_200_000 + 64_000 + 500 + 2_000_000);
      expect(decodeReplica![0]).toBe(2);
      const kinds = [...readDecisions(decisions)].map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === DECISION.breakOff || kind === DECISION.restart)).toEqual([DECISION.breakOff]);
    });

    it("computes KV anew that was lost where it waited, once there is a prefill replica again", () => {
      const { lastTokenNs, firstTokenNs } = lose(0, 1_100_000);
      // 65 of text, the prompt and the token that is out, in a chunk of 64 and a token that goes like a decode; they bring the second.
      expect(firstTokenNs[0]).toBe(1_064_000);
      expect(lastTokenNs[0]).toBe(11_100_000 + 1_064_000 + 1_000_000 + 65_000 + 500 + 1_000_000);
    });
  });

  it("grow and shrink each by its own load", () => {
    const rules = { initial: 1, least: 1, everyNs: 2_000_000, drainBelow: 0.1 };
    const pools = [0, 0, 1, 1].map((pool) => ({ ...replica(pool === 0 ? "prefill" : "decode"), pool, startUpNs: 500_000 }));
    const ordered = (prefill: number, decode: number): boolean[] => {
      const scalingOfPools = [prefill, decode].map((orderAbove) => ({ ...rules, orderAbove }));
      return [...run({ requests: requests(6, 64, 40), replicas: pools, scalingOfPools }).replicaNs].map((ns) => ns > 0);
    };
    expect(ordered(2, 100)).toEqual([true, true, true, false]);
    expect(ordered(100, 2)).toEqual([true, false, true, true]);
    expect(() => run({ replicas: pools, scaling: { ...rules, orderAbove: 2 } })).toThrow(/by pool/);
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

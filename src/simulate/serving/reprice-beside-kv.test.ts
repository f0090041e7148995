/**
 * Goal: collectives take longer while KV crosses their links, and no longer. Method: runs worked out by hand, to the nanosecond: an iteration takes 4 µs where
 * prompts are computed, 10 µs where tokens are decoded and 15 µs there while KV is on its way; a token has 1,000 bytes of KV, a link moves 1 byte a ns.
 */
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { vllmRules } from "../../policy/serving/scheduling-rules.ts";
import { runServing } from "./run-serving.ts";
import type { KvWays, ReplicaSettings, ServingInput } from "./serving-input.ts";

const costOf = (ns: number): IterationCost => ({ iterationNs: () => ns, spread: 0, basis: "data-sheet", source: "test" });
const PROMPTS = costOf(4000);
const [ALONE, BESIDE] = [costOf(10_000), costOf(15_000)];
const LIMITS = { maxBatchedTokens: 64, maxSequences: 4, prefixCaching: false, chunkedPrefill: true };

const replica = (role: ReplicaSettings["role"], cost: IterationCost): ReplicaSettings => {
  const rules = { ...vllmRules(LIMITS), stepsAhead: 0 as const };
  return { pool: role === "prefill" ? 0 : 1, role, cost, ...LIMITS, blockTokens: 16, kvBlocks: 101, overheadNs: 0, startUpNs: 0, rules };
};

const WAYS: KvWays = {
  name: "one link",
  links: [{ bytesPerSecond: 1e9 }],
  taken: 0,
  way: () => ({ path: Int32Array.of(0), channels: 1, aloneBytesPerSecond: 1e9 }),
  beside: (index, transfers) => (index === 0 ? PROMPTS : transfers.length > 0 ? BESIDE : ALONE),
};

const unshared = (count: number) => ({ count, blockStart: new Int32Array(count + 1), blockIds: new Int32Array(0), blockTokens: 16 });

/** A request of 5 tokens at 0, of which 5 come out, and one of 12 tokens at 20 µs, of which 2 come out. */
function run(changes: Partial<ServingInput> = {}, ways = WAYS): ReturnType<typeof runServing> {
  return runServing({
    requests: {
      ...unshared(2),
      arrivalNs: Float64Array.of(0, 20_000),
      promptTokens: Int32Array.of(5, 12),
      outputTokens: Int32Array.of(5, 2),
    },
    replicas: [replica("prefill", PROMPTS), replica("decode", ALONE)],
    routing: "round-robin",
    seed: 1,
    stepping: "leap",
    kvTransfer: { bytesPerToken: 1000, latencyNs: 0, layerwise: false, layers: 4, ways },
    ...changes,
  });
}

/** A decode replica for each request. */
const TWO = { replicas: [replica("prefill", PROMPTS), replica("decode", ALONE), replica("decode", ALONE)] };

/** Ends of the first decode replica's iterations. */
function ends(changes: Partial<ServingInput> = {}, ways = WAYS): number[] {
  const found: number[] = [];
  run({ ...changes, onIteration: (index, _startNs, endNs) => index === 1 && found.push(endNs) }, ways);
  return found;
}

describe("collectives beside KV", () => {
  it("take longer for the part of an iteration in which KV is on its way", () => {
    // KV of the first is there at 9,000, so 9,000 to 19,000. That of the second moves to the other replica from 24,000 to 36,000: of the iteration from 19,000 half
    // is left then, which takes 7,500 ns; of the one from 31,500 to 46,500 10,500 ns are left at 36,000, which then take 7,000.
    expect(ends(TWO)).toEqual([19_000, 31_500, 43_000, 53_000]);
    expect([...run(TWO).lastTokenNs]).toEqual([53_000, 46_000]);
    expect(ends(TWO, { ...WAYS, beside: (index) => (index === 0 ? PROMPTS : ALONE) })).toEqual([19_000, 29_000, 39_000, 49_000]);
    const { beside: _none, ...without } = WAYS;
    expect(ends(TWO, without)).toEqual([19_000, 29_000, 39_000, 49_000]);
  });

  it("take longer from the iteration on at whose start a replica takes KV itself", () => {
    // The only one asks for the second's KV at 29,000; it is there at 41,000, when 3,000 ns of the iteration to 44,000 are left, which then take 2,000.
    expect(ends()).toEqual([19_000, 29_000, 43_000, 53_000]);
    expect([...run().lastTokenNs]).toEqual([53_000, 53_000]);
  });

  it("are the same whether iterations are priced ahead or one by one", () => {
    expect(ends({ stepping: "unit" })).toEqual(ends());
    expect(run({ stepping: "unit" }).hash).toBe(run().hash);
  });

  it("are the same so on fleets whose transfers overlap, some of them lost", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const draw = seededPrng(seed);
      const count = 40;
      const column = (most: number): Int32Array => Int32Array.from({ length: count }, () => 1 + Math.floor(draw.nextFloat() * most));
      // Much happens at one instant: all is in multiples of 10 us.
      const arrivalNs = Float64Array.from(column(150), (times) => 10_000 * times).sort();
      const requests = { ...unshared(count), arrivalNs, promptTokens: column(6).map((tens) => 10 * tens), outputTokens: column(30) };
      const replicas = [0, 1].map(() => replica("prefill", ALONE)).concat([2, 3].map(() => replica("decode", ALONE)));
      const prices = Array.from({ length: count + 1 }, (_, flows) => costOf(10_000 * (1 + flows)));
      // Each replica is slowed by transfers to or from it; without any, its own price.
      const beside: KvWays["beside"] = (index, transfers) => {
        const flows = transfers.filter((ends) => ends.includes(index)).length;
        return flows === 0 ? replicas[index]!.cost : prices[flows]!;
      };
      const outages = seed % 3 === 0 ? [{ replica: 2, atNs: 400_000, untilNs: 600_000 }] : [];
      const changes = { requests, replicas, outages };
      const [leap, unit] = (["leap", "unit"] as const).map((stepping) => run({ ...changes, stepping }, { ...WAYS, beside }));
      expect(leap!.hash, `seed ${seed}`).toBe(unit!.hash);
      expect([...leap!.lastTokenNs]).toEqual([...unit!.lastTokenNs]);
      const { beside: _none, ...without } = { ...WAYS, beside };
      expect(run(changes, without).hash).not.toBe(leap!.hash);
    }
  });

  it("go on as alone when a transfer is broken off", () => {
    // At 30,000 the other replica is lost, and the KV on its way with it: of 1,500 ns that were left 1,000 are. The KV is still where it was computed, and goes to
    // the first from 31,000 to 43,000, when 3,000 ns of the iteration to 46,000 are left, which then take 2,000.
    const outages = [{ replica: 2, atNs: 30_000, untilNs: 900_000 }];
    expect(ends({ ...TWO, outages })).toEqual([19_000, 31_000, 45_000, 55_000]);
    expect(ends({ ...TWO, outages, stepping: "unit" })).toEqual([19_000, 31_000, 45_000, 55_000]);
    expect([...run({ ...TWO, outages }).lastTokenNs]).toEqual([55_000, 55_000]);
  });

  it("slow prompts that are computed at the replica it comes from, the first one too", () => {
    // Prompts take 40,000 ns, half as much again while KV is on its way: the first is there at 40,000 and its KV moves until 45,000, while nothing is computed. The
    // second runs from 50,000, and the third's KV, from another replica that takes 40,000 from 20,000 on, moves from 60,000 to 90,000: of 30,000 ns that are left
    // at 60,000, stretched to 45,000, 15,000 are left at 90,000, which then take 10,000.
    const [prompts, slowed] = [costOf(40_000), costOf(60_000)];
    const replicas = [replica("prefill", prompts), replica("prefill", prompts), replica("decode", ALONE), replica("decode", ALONE)];
    const ways: KvWays = {
      ...WAYS,
      beside: (index, transfers) => (index === 0 && transfers.some(([from]) => from === 1) ? slowed : replicas[index]!.cost),
    };
    const requests = {
      ...unshared(3),
      arrivalNs: Float64Array.of(0, 20_000, 50_000),
      promptTokens: Int32Array.of(5, 30, 5),
      outputTokens: Int32Array.of(2, 2, 2),
    };
    for (const stepping of ["leap", "unit"] as const) {
      const found: number[] = [];
      run({ requests, replicas, stepping, onIteration: (index, _start, end) => index === 0 && found.push(end) }, ways);
      expect(found).toEqual([40_000, 100_000]);
      // Lost with the KV on its way at 70,000: 35,000 ns were left then, of which 23,333 are.
      found.length = 0;
      const outages = [1, 2, 3].map((lost) => ({ replica: lost, atNs: 70_000, untilNs: 900_000 }));
      run({ requests, replicas, stepping, outages, onIteration: (index, _start, end) => index === 0 && found.push(end) }, ways);
      expect(found.slice(0, 2)).toEqual([40_000, 93_333]);
    }
  });
});

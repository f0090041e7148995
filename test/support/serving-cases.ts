import { seededPrng } from "../../src/base/prng.ts";
import type { IterationCost } from "../../src/cost/iteration/iteration-cost.ts";
import { type SchedulingRules, vllmRules } from "../../src/policy/serving/scheduling-rules.ts";
import type { AdapterSettings, ReplicaSettings, RequestColumns, ServingInput } from "../../src/simulate/serving/serving-input.ts";

/** Affine in everything an iteration has: no two batches cost the same by chance. */
export const AFFINE_COST: IterationCost = {
  iterationNs: (shape) =>
    1_000_003 +
    1009 * shape.prefillTokens +
    shape.prefillContext +
    101 * shape.decodes +
    7 * shape.decodeContext +
    3 * shape.decodeContextMax +
    11 * shape.prefills,
  spread: 0,
  basis: "data-sheet",
  source: "test",
};

/** The same, with a price on what is computed with adapters. */
const ADAPTER_COST: IterationCost = {
  ...AFFINE_COST,
  iterationNs: (shape) => {
    const plain = AFFINE_COST.iterationNs(shape);
    // A router asks for the price of a batch without saying whose it is.
    if (shape.lora === undefined) return plain;
    const { adapters, ranks, tokens, rankTokens } = shape.lora;
    return plain + 50_021 * adapters + 211 * ranks + 307 * tokens + 13 * rankTokens;
  },
};

export const BLOCK_TOKENS = 4;

/** Random requests whose prompts share prefixes as a tree, on replicas that are short of blocks; all of it from the seed. */
export function servingCase(seed: number, changes: Partial<SchedulingRules> = {}): ServingInput {
  const prng = seededPrng(seed);
  const replicas = 1 + prng.nextBelow(3);
  const limits = {
    maxBatchedTokens: 8 + prng.nextBelow(40),
    maxSequences: 1 + prng.nextBelow(8),
    prefixCaching: prng.nextBelow(4) > 0,
    chunkedPrefill: true,
  };
  const kvBlocks = 16 + prng.nextBelow(40);
  const rules: SchedulingRules = { ...vllmRules(limits), stepsAhead: prng.nextBelow(2) === 0 ? 0 : 1, ...changes };
  const replica: ReplicaSettings = {
    pool: 0,
    role: "both",
    cost: AFFINE_COST,
    ...limits,
    blockTokens: BLOCK_TOKENS,
    kvBlocks,
    overheadNs: 0,
    startUpNs: 0,
    rules,
  };
  const keyTokens = BLOCK_TOKENS * (1 + prng.nextBelow(3));
  return {
    requests: randomRequests(seed ^ 0x5bd1e995, keyTokens),
    replicas: Array.from({ length: replicas }, () => replica),
    routing: (["round-robin", "random", "least-loaded", "prefix-aware", "priced"] as const)[prng.nextBelow(5)]!,
    seed,
    stepping: "leap",
  };
}

/** The same with prefill and decode replicas, and KV on links between them. */
export function splitCase(seed: number, changes: Partial<SchedulingRules> = {}): ServingInput {
  const input = servingCase(seed, changes);
  const prng = seededPrng(seed ^ 0x2545f491);
  const replica = input.replicas[0]!;
  const prefill = Array.from({ length: 1 + prng.nextBelow(2) }, () => ({ ...replica, role: "prefill" as const }));
  const decode = Array.from({ length: 1 + prng.nextBelow(3) }, () => ({ ...replica, role: "decode" as const }));
  return {
    ...input,
    replicas: prng.nextBelow(2) === 0 ? [...prefill, ...decode] : [...decode, ...prefill],
    kvTransfer: {
      bytesPerToken: 1000,
      bandwidthBytesPerSecond: 1e6 * (1 + prng.nextBelow(50)),
      latencyNs: prng.nextBelow(100_000),
      layerwise: prng.nextBelow(2) === 0,
      layers: 4,
    },
  };
}

/** The same with hosts that are lost and come back, or a fleet that grows and shrinks. */
export function changingCase(seed: number, changes: Partial<SchedulingRules> = {}): ServingInput {
  const input = servingCase(seed, changes);
  const prng = seededPrng(seed ^ 0x1b873593);
  const replica = { ...input.replicas[0]!, startUpNs: prng.nextBelow(20_000_000) };
  const replicas = Array.from({ length: 1 + prng.nextBelow(5) }, () => replica);
  if (prng.nextBelow(2) === 0) {
    const scaling = { initial: 1, least: 1, everyNs: 1 + prng.nextBelow(10_000_000), orderAbove: 2 + prng.nextBelow(4), drainBelow: 1 };
    return { ...input, replicas, scaling };
  }
  const outages = Array.from({ length: 1 + prng.nextBelow(4) }, () => {
    const atNs = prng.nextBelow(200_000_000);
    return { replica: prng.nextBelow(replicas.length), atNs, untilNs: atNs + 1 + prng.nextBelow(100_000_000) };
  });
  return { ...input, replicas, outages, resubmitNs: prng.nextBelow(2_000_000) };
}

/** Prefill and decode apart, hosts that are lost or pools that grow and shrink, and in half of the cases KV kept outside the devices. */
export function changingSplitCase(seed: number, changes: Partial<SchedulingRules> = {}): ServingInput {
  const prng = seededPrng(seed ^ 0x27220a95);
  const offload = { bytes: 1000 * prng.nextBelow(400), bandwidthBytesPerSecond: 1e6 * (1 + prng.nextBelow(100)), bytesPerToken: 1000 };
  const outside = prng.nextBelow(2) === 0;
  const split = splitCase(seed, { ...changes, ...(outside && { prefixCaching: true }) });
  const startUpNs = prng.nextBelow(20_000_000);
  const pools = { prefill: 0, decode: 1, both: 2, encode: 3 };
  const own = split.replicas.map((replica) => ({ ...replica, startUpNs, pool: pools[replica.role], ...(outside && { offload }) }));
  const input = { ...split, kvTransfer: { ...split.kvTransfer!, bandwidthBytesPerSecond: 1e5 * (1 + prng.nextBelow(40)) } };
  const scalingOfPools = [0, 1].map(() => ({
    initial: 1,
    least: 1,
    everyNs: 300_000 + prng.nextBelow(10_000_000),
    orderAbove: 2 + prng.nextBelow(4),
    drainBelow: 1,
  }));
  const outages = Array.from({ length: 1 + prng.nextBelow(8) }, () => {
    const atNs = prng.nextBelow(300_000_000);
    return {
      replica: prng.nextBelow(own.length),
      atNs,
      untilNs: prng.nextBelow(20) === 0 ? Infinity : atNs + 1 + prng.nextBelow(60_000_000),
    };
  });
  const which = prng.nextBelow(3);
  return {
    ...input,
    replicas: own,
    ...(which !== 0 && { outages, resubmitNs: prng.nextBelow(2_000_000) }),
    ...(which !== 1 && { scalingOfPools }),
  };
}

/** The same with KV kept outside the devices. */
export function offloadCase(seed: number, changes: Partial<SchedulingRules> = {}): ServingInput {
  const input = servingCase(seed, { ...changes, prefixCaching: true });
  const prng = seededPrng(seed ^ 0x6a09e667);
  const offload = { bytes: 1000 * prng.nextBelow(400), bandwidthBytesPerSecond: 1e6 * (1 + prng.nextBelow(100)), bytesPerToken: 1000 };
  return { ...input, replicas: input.replicas.map((replica) => ({ ...replica, offload })) };
}

/** The same with adapters, more of them than there are slots, on engines that pass over who finds none free. */
export function adapterCase(seed: number, changes: Partial<SchedulingRules> = {}, from = servingCase(seed, changes)): ServingInput {
  const prng = seededPrng(seed ^ 0x3c6ef372);
  const count = 1 + prng.nextBelow(8);
  const slots = 1 + prng.nextBelow(3);
  const preloaded = prng.nextBelow(3) === 0;
  const adapters: AdapterSettings = {
    slots,
    hostAdapters: preloaded ? Infinity : slots + prng.nextBelow(4),
    rankMax: 64,
    ...(prng.nextBelow(3) === 0 ? { overlap: true } : {}),
    computedRank: (rank) => rank,
    hostNs: (rank) => 300_000 + 1000 * rank,
    diskNs: (rank) => 4_000_000 + 20_000 * rank,
  };
  const adapter = Int32Array.from({ length: from.requests.count }, () => prng.nextBelow(count + 1) - 1);
  const adapterRanks = Int32Array.from({ length: count }, () => [0, 8, 16, 64][prng.nextBelow(4)]!);
  const routing = prng.nextBelow(3) === 0 ? "adapter-affinity" : from.routing;
  const replicas = from.replicas.map((replica) => ({ ...replica, adapters, cost: ADAPTER_COST }));
  return { ...from, routing, replicas, requests: { ...from.requests, adapter, adapterRanks } };
}

/** Every prompt continues the keys of an earlier one for a while; one in four requests waits for an earlier one. */
function randomRequests(seed: number, keyTokens: number): RequestColumns {
  const prng = seededPrng(seed);
  const count = 1 + prng.nextBelow(40);
  const prompts: number[][] = [];
  const promptTokens = new Int32Array(count);
  const outputTokens = new Int32Array(count);
  const arrivalNs = new Float64Array(count);
  const after = new Int32Array(count).fill(-1);
  const thinkNs = new Float64Array(count);
  let ids = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    promptTokens[i] = 1 + prng.nextBelow(50);
    outputTokens[i] = 1 + prng.nextBelow(30);
    at += prng.nextBelow(3) === 0 ? 0 : prng.nextBelow(20_000_000);
    arrivalNs[i] = at;
    const whole = Math.ceil(promptTokens[i]! / keyTokens);
    const parent = i > 0 && prng.nextBelow(3) > 0 ? prompts[prng.nextBelow(i)]! : [];
    const kept = parent.slice(0, Math.min(whole, prng.nextBelow(parent.length + 1)));
    prompts.push([...kept, ...Array.from({ length: whole - kept.length }, () => ids++)]);
    if (i > 0 && prng.nextBelow(4) === 0) {
      after[i] = prng.nextBelow(i);
      thinkNs[i] = prng.nextBelow(3) === 0 ? 0 : prng.nextBelow(5_000_000);
    }
  }
  const blockStart = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) blockStart[i + 1] = blockStart[i]! + prompts[i]!.length;
  const blockIds = Int32Array.from(prompts.flat());
  return { count, arrivalNs, promptTokens, outputTokens, blockStart, blockIds, blockTokens: keyTokens, after, thinkNs };
}

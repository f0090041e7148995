import type { BatchShape, LoraShape } from "../../cost/iteration/iteration-cost.ts";
import type { RequestColumns } from "../serving/serving-input.ts";

/** How a workload's requests fall on adapters, for prices of batches that do not say whose they are. */
export interface AdapterMix {
  /** What a batch is expected to compute with adapters. Not for two questions at once: the answer is one object. */
  expected(options: MixOptions): (shape: Readonly<BatchShape>) => Readonly<LoraShape>;
}

export interface MixOptions {
  readonly slots: number;
  readonly rankMax: number;
  readonly computedRank: (rank: number) => number;
  /** Tokens a decoding sequence computes. */
  readonly perDecode: number;
}

/** Sequences up to which the expected number of adapters is kept. */
const SEQUENCES_MAX = 4096;

/**
 * The mix of a workload; undefined where no request has an adapter.
 *
 * Model: each sequence of a batch has the adapter of a request drawn anew, so of n sequences 1 - (1 - p)^n have an adapter of share p at least once; at
 * most as many adapters as slots. Ranks are the mean over requests.
 */
export function adapterMix({ count, adapter, adapterRanks }: RequestColumns): AdapterMix | undefined {
  if (adapter === undefined || adapterRanks === undefined || count === 0) return undefined;
  const shares = new Float64Array(adapterRanks.length);
  let adapted = 0;
  for (let i = 0; i < count; i++) {
    if (adapter[i]! < 0) continue;
    shares[adapter[i]!]! += 1 / count;
    adapted += 1 / count;
  }
  if (adapted === 0) return undefined;
  return {
    expected: ({ slots, rankMax, computedRank, perDecode }) => {
      let rank = 0;
      for (let i = 0; i < shares.length; i++)
        rank += (shares[i]! / adapted) * computedRank(adapterRanks[i] === 0 ? rankMax : adapterRanks[i]!);
      const distinct = expectedDistinct(shares);
      const answer: LoraShape = { adapters: 0, ranks: 0, tokens: 0, rankTokens: 0 };
      return ({ decodes, prefills, prefillTokens }) => {
        const sequences = Math.min(SEQUENCES_MAX, Math.ceil(decodes + prefills));
        answer.adapters = Math.min(slots, distinct[sequences]!);
        answer.tokens = adapted * (prefillTokens + decodes * perDecode);
        answer.ranks = answer.adapters * rank;
        answer.rankTokens = answer.tokens * rank;
        return answer;
      };
    },
  };
}

/** By number of sequences: distinct adapters among them, on average. */
function expectedDistinct(shares: Float64Array): Float64Array {
  const missing = new Float64Array(shares.length).fill(1);
  const distinct = new Float64Array(SEQUENCES_MAX + 1);
  for (let n = 1; n <= SEQUENCES_MAX; n++) {
    let sum = 0;
    for (let i = 0; i < shares.length; i++) {
      missing[i]! *= 1 - shares[i]!;
      sum += 1 - missing[i]!;
    }
    distinct[n] = sum;
  }
  return distinct;
}

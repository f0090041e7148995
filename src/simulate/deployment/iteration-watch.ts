import { log2, pow } from "../../base/math.ts";
import type { Summary } from "../../base/statistics.ts";
import type { IterationListener } from "../serving/serving-input.ts";
import type { PricedPool } from "./price-pool.ts";
import { tokenHistory } from "./token-history.ts";

/** What is gathered of a run's iterations: gaps between tokens and energy. */
export interface IterationWatch {
  readonly listener: IterationListener;
  /**
   * Gaps between consecutive tokens of a request, over all tokens of `livesNs`: the time from first to last tokens of all requests together. Units: ns; quantiles
   * to 0.6 %. What no iteration tells (KV on its way to a decode replica, a preemption) is what is left of the lives, and counts as gaps that are alike.
   */
  gaps(livesNs: number): Summary;
  /** Energy of all devices while they compute; NaN where a device has no power figure. Units: J. */
  joules(): number;
  /** Relative half-width (90 %) of the power behind them, of the pool that is least sure. */
  readonly joulesSpread: number;
}

/** Buckets of an octave of gaps: the middle of one is off by 0.6 % at most. */
const BUCKETS_AN_OCTAVE = 64;
const OCTAVES = 53;

/** Watches a run of these pools. */
export function iterationWatch(pools: readonly PricedPool[]): IterationWatch {
  const counts = new Float64Array(BUCKETS_AN_OCTAVE * OCTAVES);
  const poolOf = pools.flatMap(({ pool }, i) => Array.from({ length: pool.replicas }, () => i));
  const powered = pools.every(({ cost }) => cost.iterationJoules !== undefined);
  const histories = poolOf.map(tokenHistory);
  let tokens = 0;
  let total = 0;
  let untold = 0;
  let joules = 0;
  const add = (gap: number, count: number): void => {
    counts[bucketOf(gap)]! += count;
    tokens += count;
    total += gap * count;
  };
  return {
    listener: (replica, startNs, endNs, shape, firsts, ended) => {
      const pool = poolOf[replica]!;
      if (powered) joules += pools[pool]!.cost.iterationJoules!(shape, endNs - startNs);
      if (pools[pool]!.pool.role === "prefill") return;
      untold += histories[replica]!.iteration(endNs, { decodes: shape.decodes, firsts, ended }, add);
    },
    gaps: (livesNs) => {
      const all = Float64Array.from(counts);
      const left = Math.max(0, livesNs - total);
      if (untold > 0 && left > 0) all[bucketOf(left / untold)]! += untold;
      const count = tokens + (left > 0 ? untold : 0);
      return {
        mean: (total + (untold > 0 ? left : 0)) / count,
        p50: quantile(all, count, 0.5),
        p90: quantile(all, count, 0.9),
        p99: quantile(all, count, 0.99),
      };
    },
    joules: () => (powered ? joules : NaN),
    joulesSpread: Math.max(0, ...pools.map(({ cost }) => cost.joulesSpread ?? 0)),
  };
}

function bucketOf(gap: number): number {
  return Math.min(BUCKETS_AN_OCTAVE * OCTAVES - 1, Math.max(0, Math.floor(log2(gap) * BUCKETS_AN_OCTAVE)));
}

/** Middle of the bucket that a share of the tokens ends in; NaN where there are none. */
function quantile(counts: Float64Array, tokens: number, share: number): number {
  let below = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) {
    below += counts[bucket]!;
    if (tokens > 0 && below >= share * tokens) return pow(2, (bucket + 0.5) / BUCKETS_AN_OCTAVE);
  }
  return NaN;
}

import { log2, pow } from "../../base/math.ts";
import type { Summary } from "../../base/statistics.ts";
import type { IterationListener } from "../serving/serving-input.ts";
import type { PricedPool } from "./price-pool.ts";

/** What is gathered of a run's iterations: gaps between tokens and energy. */
export interface IterationWatch {
  readonly listener: IterationListener;
  /**
   * Gaps between consecutive tokens of a request, over all tokens. Units: ns; quantiles to 0.6 %. A gap in which a request was preempted is not among
   * them.
   */
  gaps(): Summary;
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
  let tokens = 0;
  let total = 0;
  let joules = 0;
  return {
    listener: (replica, startNs, endNs, shape) => {
      const pool = poolOf[replica]!;
      if (powered) joules += pools[pool]!.cost.iterationJoules!(shape, endNs - startNs);
      if (shape.decodes === 0) return;
      const gap = endNs - startNs;
      const bucket = Math.min(counts.length - 1, Math.floor(log2(gap) * BUCKETS_AN_OCTAVE));
      counts[bucket]! += shape.decodes;
      tokens += shape.decodes;
      total += gap * shape.decodes;
    },
    gaps: () => ({
      mean: total / tokens,
      p50: quantile(counts, tokens, 0.5),
      p90: quantile(counts, tokens, 0.9),
      p99: quantile(counts, tokens, 0.99),
    }),
    joules: () => (powered ? joules : NaN),
    joulesSpread: Math.max(0, ...pools.map(({ cost }) => cost.joulesSpread ?? 0)),
  };
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

import { exp, ln } from "../base/math.ts";
import { mean, NORMAL_90, normalQuantile } from "../base/statistics.ts";
import { studentQuantile } from "../base/student.ts";
import type { Ratio } from "../base/units.ts";

/** How far the next run may lie from the prediction as a whole. */
export interface RunSpread {
  /** Relative half-width of the 90 % interval of a run's factor: 1 / (1 + systematic) to 1 + systematic. */
  readonly systematic: Ratio;
  /** Degrees of freedom of the Student's t whose shape the logarithm of the factor has; normal where absent. */
  readonly freedom?: number;
}

/**
 * Standard deviation of ln(time) between runs of one machine that is assumed before runs have shown any, and the number of runs that assumption weighs.
 *
 * Source: 12 runs of 20 s on a shared 2-core machine were off their predicted time per token by 11 % (standard deviation), of which the arrivals' own
 * scatter is a part; two runs of one product back to back differ less, by 5 % each. The weight is the least at which the variance of a first
 * prediction is finite.
 */
const PRIOR_DEVIATION = 0.08;
const PRIOR_RUNS = 3;
/**
 * How fast a machine's speed wanders, as the variance of ln(time) that a second adds, and where that ends: over hours a machine is as unlike itself as it
 * becomes.
 *
 * Source: on a shared 2-core machine runs were 15 and 23 % off lessons some 5 minutes older (1e-4 a second), in a quiet quarter of an hour hardly (2e-5:
 * windows of 20 s were 7.6 % off one that ended 3 s before, 8.2 % off one that ended a minute before), and up to a factor of 2 over hours.
 */
const DRIFT_VARIANCE_PER_S = 5e-5;
export const DRIFT_VARIANCE_MAX = 0.1;

/**
 * Spread of a new run, from what the runs so far were off by, each as ln(measured / predicted): few runs show neither their mean nor their spread
 * well, so the interval is that of a new draw, not of the draws seen.
 *
 * Model: normal with unknown mean (flat prior) and unknown variance (scaled inverse chi-square prior, `PRIOR_RUNS` degrees of freedom about
 * `PRIOR_DEVIATION`). A new run is then Student's t with PRIOR_RUNS + n - 1 degrees of freedom, scaled by √(1 + 1/n); without the prior it would be t
 * with n - 1, which for two or three runs has no variance. What the machine drifts in `age` seconds since the last of them is added. Source: Gelman et al., Bayesian Data Analysis, 3rd edition, sections 3.2 and 3.3.
 */
export function runSpread(deviations: readonly number[], age = 0): RunSpread & { readonly freedom: number } {
  const count = deviations.length;
  const centre = mean(deviations);
  const squares = deviations.reduce((sum, one) => sum + (one - centre) * (one - centre), 0);
  const freedom = PRIOR_RUNS + count - 1;
  const variance = ((PRIOR_RUNS * PRIOR_DEVIATION * PRIOR_DEVIATION + squares) / freedom) * (1 + 1 / count);
  const scale = Math.sqrt(variance + driftVariance(age));
  return { systematic: exp(scale * studentQuantile(0.95, freedom)) - 1, freedom };
}

/** Standard deviation that belongs to a spread, in ln(time): the scale of its distribution. */
export function deviationOf({ systematic, freedom }: RunSpread): number {
  return ln(1 + systematic) / (freedom === undefined ? NORMAL_90 : studentQuantile(0.95, freedom));
}

/** A spread with an independent variance of ln(time) on top. */
export function widened(spread: RunSpread, variance: number): RunSpread {
  const quantile = spread.freedom === undefined ? NORMAL_90 : studentQuantile(0.95, spread.freedom);
  const deviation = deviationOf(spread);
  return { ...spread, systematic: exp(Math.sqrt(deviation * deviation + variance) * quantile) - 1 };
}

/** Variance of the change of ln(time) over a time. Units: s. */
function driftVariance(age: number): number {
  return Math.min(DRIFT_VARIANCE_MAX, DRIFT_VARIANCE_PER_S * Math.max(0, age));
}

/** A run's ln(measured / predicted), and how long ago it was. */
export interface AgedDeviation {
  readonly deviation: number;
  /** Units: s. */
  readonly age: number;
}

/** What runs were off by on the mean, recent ones before old ones: each weighs by the inverse of its own scatter and of what the machine drifted since. */
export function recentMean(runs: readonly AgedDeviation[]): number {
  let sum = 0;
  let weights = 0;
  for (const { deviation, age } of runs) {
    const weight = 1 / (PRIOR_DEVIATION * PRIOR_DEVIATION + driftVariance(age));
    sum += weight * deviation;
    weights += weight;
  }
  return weights === 0 ? 0 : sum / weights;
}

/** Factor on all step times of a run below which a run stays with probability `share`, 0 < share < 1; 1 at one half. */
export function runFactor({ systematic, freedom }: RunSpread, share: Ratio): Ratio {
  const deviations =
    freedom === undefined ? normalQuantile(share) / NORMAL_90 : studentQuantile(share, freedom) / studentQuantile(0.95, freedom);
  return exp(deviations * ln(1 + systematic));
}

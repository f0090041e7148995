import { exp, ln } from "../base/math.ts";
import type { Prng } from "../base/prng.ts";
import { mean, NORMAL_90, normalDraw } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";

/** How single iterations scatter about their run. */
export interface StepNoise {
  /** Relative half-width of the 90 % interval of one iteration. */
  readonly noise: Ratio;
  /** What of it lasts over iterations; none where absent. */
  readonly lasting?: LastingNoise;
}

/**
 * Noise that outlives an iteration: a machine is slow for a while. It hardly averages out over one request, whereas independent noise does.
 * Model: a first-order autoregression besides independent noise.
 */
export interface LastingNoise {
  /** Share of the noise's variance. */
  readonly share: Ratio;
  /** Share of its deviation that is left after one iteration. */
  readonly kept: Ratio;
}

/** Lags at which the noise is compared with itself, in iterations. */
const NEAR = 1;
const FAR = 5;
/** Longest memory that lags so short can show. */
const KEPT_MAX = 0.98;

/** The lasting part of the noise of runs, each a list of ln(measured / predicted) of consecutive iterations. Method: autocovariance at two lags. */
export function fitLasting(runs: readonly (readonly number[])[]): LastingNoise {
  const variance = autocovariance(runs, 0);
  const near = autocovariance(runs, NEAR);
  const far = autocovariance(runs, FAR);
  if (!(variance > 0 && near > 0 && far > 0)) return { share: 0, kept: 0 };
  const kept = Math.min(KEPT_MAX, exp(ln(far / near) / (FAR - NEAR)));
  return { share: Math.min(1, near / kept / variance), kept };
}

function autocovariance(runs: readonly (readonly number[])[], lag: number): number {
  let sum = 0;
  let count = 0;
  for (const run of runs) {
    const centre = mean(run);
    for (let i = lag; i < run.length; i++) sum += (run[i]! - centre) * (run[i - lag]! - centre);
    count += Math.max(0, run.length - lag);
  }
  return count === 0 ? 0 : sum / count;
}

/** Draws the factor on each next iteration of a run; log-normal about a mean of 1, since a prediction is of the mean. */
export function noiseDraws({ noise, lasting }: StepNoise, prng: Prng): () => Ratio {
  if (noise === 0) return () => 1;
  const deviation = ln(1 + noise) / NORMAL_90;
  const lastingDeviation = deviation * Math.sqrt(lasting?.share ?? 0);
  const ownDeviation = deviation * Math.sqrt(1 - (lasting?.share ?? 0));
  const kept = lasting?.kept ?? 0;
  const renewed = Math.sqrt(1 - kept * kept);
  let state = lastingDeviation === 0 ? 0 : normalDraw(prng);
  return () => {
    const drawn = exp(lastingDeviation * state + ownDeviation * normalDraw(prng) - (deviation * deviation) / 2);
    if (lastingDeviation > 0) state = kept * state + renewed * normalDraw(prng);
    return drawn;
  };
}

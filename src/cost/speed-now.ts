import { exp, ln } from "../base/math.ts";
import { mean, quantile } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";
import { deviationOf, probeSpread, type RunSpread } from "./run-spread.ts";

/** One step of a probe, and what the cost model says of it and of what worked beside it. Units: ns. */
export interface ProbedStep {
  readonly kind: "decode" | "prefill" | "mixed";
  readonly predictedNs: number;
  readonly measuredNs: number;
}

/** Time that steps take now over what the cost model says; phases apart where the probe had them. */
export interface SpeedReading {
  readonly timeRatio: Ratio;
  readonly decode?: Ratio;
  readonly prefill?: Ratio;
  readonly steps: number;
}

/** Steps off by more than this many times the median deviation are disturbances. */
const OUTLIER_DEVIATIONS = 6;

/** How fast the machine is by a probe; `undefined` where it has no steps. */
export function readSpeed(steps: readonly ProbedStep[]): SpeedReading | undefined {
  const ratioOf = (kind?: ProbedStep["kind"]): Ratio | undefined => {
    const ratios = steps
      .filter((step) => step.predictedNs > 0 && (kind === undefined || step.kind === kind))
      .map((step) => step.measuredNs / step.predictedNs);
    return ratios.length === 0 ? undefined : undisturbedMean(ratios);
  };
  const timeRatio = ratioOf();
  if (timeRatio === undefined) return undefined;
  const [decode, prefill] = [ratioOf("decode"), ratioOf("prefill")];
  return { timeRatio, ...(decode === undefined ? {} : { decode }), ...(prefill === undefined ? {} : { prefill }), steps: steps.length };
}

function undisturbedMean(ratios: readonly number[]): number {
  const centre = quantile(ratios, 0.5);
  const deviations = ratios.map((one) => Math.abs(one / centre - 1));
  const bound = OUTLIER_DEVIATIONS * Math.max(0.01, quantile(deviations, 0.5));
  return mean(ratios.filter((_one, index) => deviations[index]! <= bound));
}

/** What a run that follows a probe is predicted with. */
export interface FollowedSpeed {
  /** Factor on all step times of the cost model. */
  readonly factor: Ratio;
  readonly spread: RunSpread;
  /** Weight the probe got; the rest is that of earlier runs. */
  readonly probeWeight: Ratio;
}

/**
 * Puts a probe together with what earlier runs say, each by the inverse of its variance: runs of the last minutes on a steady machine know more than three
 * seconds do, runs of this morning or of a machine that wanders know less. A probe far off what they say is itself a sign that the machine is no longer
 * what it was: they are taken to be off by at least what it shows beyond its own error.
 *
 * The interval is that of the better of the two, no narrower: both miss what changes during the run itself.
 */
export function followProbe(reading: SpeedReading, history: RunSpread, afterProbe: RunSpread = probeSpread([])): FollowedSpeed {
  const probe = deviationOf(afterProbe);
  const shown = ln(reading.timeRatio);
  const past = Math.sqrt(Math.max(deviationOf(history) * deviationOf(history), shown * shown - probe * probe));
  const probeWeight = (past * past) / (past * past + probe * probe);
  return { factor: exp(probeWeight * shown), spread: past < probe ? history : afterProbe, probeWeight };
}

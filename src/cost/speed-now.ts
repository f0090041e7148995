import { mean, quantile } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";

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

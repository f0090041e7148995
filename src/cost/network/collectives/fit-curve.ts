import { exp, ln } from "../../../base/math.ts";
import { type CollectiveCurve, type CurvePoint, curveNs } from "./collective-curve.ts";
import { minimise } from "./minimise.ts";

/** A measured collective. Units: ns. */
export interface CurveSample extends CurvePoint {
  readonly ns: number;
}

/** Samples of one system. Units: `linkRate` bytes/ns. */
export interface SystemSamples {
  readonly samples: readonly CurveSample[];
  readonly linkRate: number;
}

/** A point counts at most as one that is off by a factor of 2: single outliers do not draw the curve. */
const OUTLIER = 0.7;
/** Weight of the start: few points leave a line where it was. */
const TRUST_IN_START = 0.02;
const STEPS = 900;
const PARAMETERS = 3;

/**
 * The constants of `start`'s lines that meet the samples best: least mean of |ln(predicted / measured)|, held near the start where samples say little.
 *
 * Why several systems: rates are shares of a data sheet's, so what is common to them shows. Complexity: about 2,700 readings of every sample.
 */
export function fitCurve(systems: readonly SystemSamples[], start: CollectiveCurve): CollectiveCurve {
  const count = systems.reduce((sum, { samples }) => sum + samples.length, 0);
  if (count === 0) return start;
  const origin = start.flatMap(({ baseNs, stepNs, share }) => [ln(baseNs), ln(stepNs), ln(share)]);
  const loss = (at: readonly number[]): number => {
    const curve = curveAt(start, at);
    let sum = 0;
    for (const { samples, linkRate } of systems) {
      for (const sample of samples) sum += Math.min(OUTLIER, Math.abs(ln(curveNs(curve, linkRate, sample) / sample.ns)));
    }
    let away = 0;
    for (let i = 0; i < at.length; i++) away += (at[i]! - origin[i]!) * (at[i]! - origin[i]!);
    return sum / count + (TRUST_IN_START * away) / at.length;
  };
  const first = minimise(loss, origin, { steps: STEPS, size: 0.4 });
  return curveAt(start, minimise(loss, first, { steps: STEPS, size: 0.4 }));
}

function curveAt(lines: CollectiveCurve, at: readonly number[]): CollectiveCurve {
  return lines.map((line, i) => ({
    ...line,
    baseNs: exp(at[PARAMETERS * i]!),
    stepNs: exp(at[PARAMETERS * i + 1]!),
    share: exp(at[PARAMETERS * i + 2]!),
  }));
}

import { quadrature } from "../../priced.ts";
import { type AxisErrors, stepError } from "./along-axis.ts";
import { type MeasuredCurve, valueAlong } from "./measured-curves.ts";
import type { PredictedCurve } from "./surface.ts";

/** A curve ready to be asked: of a site that was measured, or predicted from others. */
export interface SiteCurve {
  readonly measured: boolean;
  /** Where a predicted site lies outside of the measured ones. */
  readonly outside: boolean;
  readonly axis: Float64Array;
  readonly logs: Float64Array;
  readonly halfWidths: Float64Array;
  /** The part of the axis that was measured, here or near. */
  readonly first: number;
  readonly last: number;
}

/** Noise of a measurement that is repeated. Source: 90 % of repeats in AIConfigurator's tables differ by less than 2 to 5 %. */
const NOISE_HALF_WIDTH = 0.03;
/** Growth of the half-width outside of the measured shapes. Source: 3 octaves out p90 errors are 51 to 112 % (shared reference on simulation, section 5). */
const OUTSIDE_PER_OCTAVE = 0.2;
/** Share of sites near that must have been measured at a level, or it counts as not measured. */
const SUPPORT_MIN = 0.25;

export function curveOfMeasured({ axis, logs }: MeasuredCurve): SiteCurve {
  const halfWidths = new Float64Array(axis.length).fill(NOISE_HALF_WIDTH);
  return { measured: true, outside: false, axis, logs, halfWidths, first: axis[0]!, last: axis[axis.length - 1]! };
}

export function curveOfPredicted(axis: Float64Array, { logs, halfWidths: inside, support, outside, nearest }: PredictedCurve): SiteCurve {
  const halfWidths = outside ? inside.map((width) => width + OUTSIDE_PER_OCTAVE * nearest) : inside;
  let from = 0;
  let to = axis.length - 1;
  while (from < to && support[from]! < SUPPORT_MIN) from += 1;
  while (to > from && support[to]! < SUPPORT_MIN) to -= 1;
  return { measured: false, outside, axis, logs, halfWidths, first: axis[from]!, last: axis[to]! };
}

/** Octaves from `x` to the measured part of a curve; 0 inside. */
export function octavesOutside(curve: SiteCurve, x: number): number {
  return Math.max(0, curve.first - x, x - curve.last);
}

/** Logarithm at `x`; beyond the measured part the share of the ideal rate stays as it was at its end. */
export function logAt(curve: SiteCurve, x: number): number {
  return valueAlong(curve.axis, curve.logs, Math.min(curve.last, Math.max(curve.first, x)));
}

/** Half-width of the 90 % interval at `x`, of the logarithm. */
export function halfWidthAt(curve: SiteCurve, errors: AxisErrors, gridAxis: Float64Array, x: number): number {
  const inside = Math.min(curve.last, Math.max(curve.first, x));
  const growth = x < curve.first ? errors.below * (curve.first - x) : x > curve.last ? errors.above * (x - curve.last) : 0;
  const step = curve.measured && isPlace(curve.axis, inside) ? 0 : stepError(errors, gridAxis, inside);
  return quadrature(valueAlong(curve.axis, curve.halfWidths, inside), step) + growth;
}

/** True where `x` is one of the places of a curve. */
export function isPlace(axis: Float64Array, x: number): boolean {
  return axis.indexOf(x) >= 0;
}

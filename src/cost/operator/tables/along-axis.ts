import { quantile } from "../../../base/statistics.ts";
import type { CurveGrid } from "./curve-grid.ts";
import { indexBelow, valueAlong } from "./measured-curves.ts";

/** What interpolating and extrapolating along the axis of one table costs, learned from its own curves. Logarithms; 90 % quantiles over sites. */
export interface AxisErrors {
  /** Error at each level of the grid, had it not been measured but its neighbours. */
  readonly steps: Float64Array;
  /** Growth of the error by octave below the first and above the last place of a curve. */
  readonly below: number;
  readonly above: number;
}

const COVERED = 0.9;
/** Growth where no curve is an octave long. */
const GROWTH_UNKNOWN = 0.35;

/** Leaves every inner level out of the curves of all sites, and every end. */
export function axisErrors({ sites, axis, logs, known }: CurveGrid): AxisErrors {
  const steps = new Float64Array(axis.length);
  for (let level = 1; level < axis.length - 1; level++) {
    const share = (axis[level]! - axis[level - 1]!) / (axis[level + 1]! - axis[level - 1]!);
    const errors: number[] = [];
    for (let site = 0; site < sites; site++) {
      const at = level * sites + site;
      if (known[at - sites] === 0 || known[at + sites] === 0) continue;
      errors.push(Math.abs(logs[at]! - (1 - share) * logs[at - sites]! - share * logs[at + sites]!));
    }
    steps[level] = errors.length === 0 ? 0 : quantile(errors, COVERED);
  }
  return { steps, below: growth({ sites, axis, logs, known }, false), above: growth({ sites, axis, logs, known }, true) };
}

/** How far the end of a curve lies from the place an octave inwards. */
function growth({ sites, axis, logs, known }: Pick<CurveGrid, "sites" | "axis" | "logs" | "known">, above: boolean): number {
  const errors: number[] = [];
  for (let site = 0; site < sites; site++) {
    const places: number[] = [];
    const values: number[] = [];
    for (let level = 0; level < axis.length; level++) {
      if (known[level * sites + site] === 0) continue;
      places.push(axis[level]!);
      values.push(logs[level * sites + site]!);
    }
    const last = places.length - 1;
    if (last < 1 || places[last]! - places[0]! < 1) continue;
    const end = above ? last : 0;
    const inner = valueAlong(Float64Array.from(places), Float64Array.from(values), places[end]! + (above ? -1 : 1));
    errors.push(Math.abs(values[end]! - inner));
  }
  return errors.length === 0 ? GROWTH_UNKNOWN : quantile(errors, COVERED);
}

/** Error of interpolating at `x`: none at a level, most in the middle between two. */
export function stepError(errors: AxisErrors, axis: Float64Array, x: number): number {
  const level = indexBelow(axis, x);
  if (level < 0 || level >= axis.length - 1) return 0;
  const share = (x - axis[level]!) / (axis[level + 1]! - axis[level]!);
  return 4 * share * (1 - share) * Math.max(errors.steps[level]!, errors.steps[level + 1]!);
}

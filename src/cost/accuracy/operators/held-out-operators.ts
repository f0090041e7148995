import { exp } from "../../../base/math.ts";
import { curveGrid } from "../../operator/tables/curve-grid.ts";
import type { DeviceRates } from "../../operator/tables/device-rates.ts";
import { type MeasuredCurve, measuredCurves, valueAlong } from "../../operator/tables/measured-curves.ts";
import { inverseWithout } from "../../operator/tables/positive-inverse.ts";
import type { TableRows } from "../../operator/tables/rows-by-table.ts";
import { gridOf, inverseSimilarity } from "../../operator/tables/similarity.ts";
import { fitSurface, type Surface } from "../../operator/tables/surface.ts";
import type { PredictedMeasured } from "../error-summary.ts";
import { foldOf } from "./group-folds.ts";

/** A table with fewer groups than this cannot leave any out. */
const GROUPS_MIN = 4;

/**
 * Every point of a table, predicted by a fit that saw nothing of its group: groups fall into folds by the hash of their name, and each fold is predicted
 * from the others, intervals included. With no more groups than `folds` each group is a fold. Empty where the table has too few groups.
 *
 * Values are logarithms' exponents: predicted ÷ rough time against measured ÷ rough time.
 */
export function heldOutPoints(
  { family, rows }: TableRows,
  rates: DeviceRates,
  folds: number,
  group: (curve: MeasuredCurve) => string = (curve) => curve.group,
): PredictedMeasured[] {
  const curves = measuredCurves(family, rows, rates).map((curve) => ({ ...curve, group: group(curve) }));
  const names = [...new Set(curves.map((curve) => curve.group))];
  if (names.length < GROUPS_MIN) return [];
  const foldOfGroup = (name: string): number => (names.length <= folds ? names.indexOf(name) : foldOf(family.name, name, folds));
  const grid = curveGrid(curves);
  const inverse = inverseSimilarity(grid, family.kernel);
  const points: PredictedMeasured[] = [];
  for (let fold = 0; fold < Math.min(folds, names.length); fold++) {
    const dropped = membersWhere(curves, (curve) => foldOfGroup(curve.group) === fold);
    if (dropped.length === 0) continue;
    const kept = membersWhere(curves, (curve) => foldOfGroup(curve.group) !== fold);
    const rest = gridOf(grid, kept);
    const surface = fitSurface(rest, inverseWithout(inverse, grid.sites, kept, dropped), family.kernel);
    for (const site of dropped) points.push(...pointsOf(curves[site]!, surface));
  }
  return points;
}

function membersWhere(curves: readonly MeasuredCurve[], holds: (curve: MeasuredCurve) => boolean): Int32Array {
  return Int32Array.from(curves.flatMap((curve, i) => (holds(curve) ? [i] : [])));
}

function pointsOf(curve: MeasuredCurve, surface: Surface): PredictedMeasured[] {
  const { axis } = surface.grid;
  const { logs, halfWidths } = surface.curve(curve.coordinates);
  return Array.from(curve.axis, (at, i) => ({
    predicted: exp(valueAlong(axis, logs, at)),
    measured: exp(curve.logs[i]!),
    spread: exp(valueAlong(axis, halfWidths, at)) - 1,
  }));
}

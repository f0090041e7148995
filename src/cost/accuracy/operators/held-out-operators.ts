import { exp } from "../../../base/math.ts";
import { curveGrid } from "../../operator/tables/curve-grid.ts";
import type { DeviceRates } from "../../operator/tables/device-rates.ts";
import type { KernelKind } from "../../operator/tables/kernel.ts";
import { type MeasuredCurve, measuredCurves, valueAlong } from "../../operator/tables/measured-curves.ts";
import { inverseWithout } from "../../operator/tables/positive-inverse.ts";
import type { TableRows } from "../../operator/tables/rows-by-table.ts";
import { gridOf } from "../../operator/tables/similarity.ts";
import { fitSurface, levelMeans, type Surface, type SurfaceParts, surfaceParts } from "../../operator/tables/surface.ts";
import type { PredictedMeasured } from "../error-summary.ts";
import { foldOf } from "./group-folds.ts";
import type { HoldOut } from "./protocols.ts";

/** A table with fewer groups than this cannot leave any out. */
const GROUPS_MIN = 4;

/** A table as all protocols need it. */
export interface PreparedTable {
  readonly family: string;
  readonly kernel: KernelKind;
  readonly curves: readonly MeasuredCurve[];
  readonly whole: SurfaceParts;
  /** Sums of the rows of the inverse similarity. */
  readonly ones: Float64Array;
}

export function prepareTable({ family, rows }: TableRows, rates: DeviceRates): PreparedTable {
  const curves = measuredCurves(family, rows, rates);
  const whole = surfaceParts(curveGrid(curves), family.kernel);
  return { family: family.name, kernel: family.kernel, curves, whole, ones: rowSums(whole.inverse, curves.length) };
}

/**
 * Every point of a table, predicted by a fit that saw nothing of its group: groups fall into folds by the hash of their name, and each fold is predicted
 * from the others, intervals included. With no more groups than `folds` each group is a fold. Empty where the table has too few groups.
 *
 * Values are logarithms' exponents: predicted ÷ rough time against measured ÷ rough time.
 */
export function heldOutPoints(table: PreparedTable, { folds, group }: Pick<HoldOut, "folds" | "group">): PredictedMeasured[] {
  const { curves } = table;
  const groups = curves.map((curve) => group?.(curve) ?? curve.group);
  const names = [...new Set(groups)];
  if (names.length < GROUPS_MIN) return [];
  const foldOfGroup = new Map(names.map((name, i) => [name, names.length <= folds ? i : foldOf(table.family, name, folds)]));
  const foldOfSite = groups.map((name) => foldOfGroup.get(name)!);
  const whole = { ...table.whole, grid: { ...table.whole.grid, groups: Int32Array.from(groups, (name) => names.indexOf(name)) } };
  const points: PredictedMeasured[] = [];
  for (let fold = 0; fold < Math.min(folds, names.length); fold++) {
    const dropped = sitesWhere(foldOfSite, (other) => other === fold);
    if (dropped.length === 0) continue;
    const kept = sitesWhere(foldOfSite, (other) => other !== fold);
    const { parts, variances } = partsWithout(whole, table.ones, kept, dropped);
    const surface = fitSurface(parts, table.kernel);
    dropped.forEach((site, i) => {
      points.push(...pointsOf(curves[site]!, surface, variances[i]!));
    });
  }
  return points;
}

function sitesWhere(foldOfSite: readonly number[], holds: (fold: number) => boolean): Int32Array {
  return Int32Array.from(foldOfSite.flatMap((fold, site) => (holds(fold) ? [site] : [])));
}

/**
 * The parts of a fit without some sites, from those of the whole: what fitting the rest anew gives, at a tenth of the work. Means are those of the rest.
 */
function partsWithout(
  whole: SurfaceParts,
  ones: Float64Array,
  kept: Int32Array,
  dropped: Int32Array,
): { parts: SurfaceParts; variances: Float64Array } {
  const { sites, axis } = whole.grid;
  const grid = gridOf(whole.grid, kept);
  const { inverse, transfer, variances } = inverseWithout(whole.inverse, sites, kept, dropped);
  const means = levelMeans(grid);
  const weights = new Float64Array(axis.length * kept.length);
  for (let level = 0; level < axis.length; level++) {
    // The whole's weights were of deviations from its own means.
    const shift = whole.means[level]! - means[level]!;
    const weightOf = (site: number): number => whole.weights[level * sites + site]! + shift * ones[site]!;
    const gone = Float64Array.from(dropped, weightOf);
    for (let a = 0; a < kept.length; a++) {
      let sum = weightOf(kept[a]!);
      for (let b = 0; b < gone.length; b++) sum -= transfer[a * gone.length + b]! * gone[b]!;
      weights[level * kept.length + a] = sum;
    }
  }
  return { parts: { grid, inverse, means, weights }, variances };
}

function rowSums(matrix: Float64Array, size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, row) => {
    let sum = 0;
    for (let i = row * size; i < (row + 1) * size; i++) sum += matrix[i]!;
    return sum;
  });
}

function pointsOf(curve: MeasuredCurve, surface: Surface, variance: number): PredictedMeasured[] {
  const { axis } = surface.grid;
  const { logs, halfWidths } = surface.curve(curve.coordinates, variance);
  return Array.from(curve.axis, (at, i) => ({
    predicted: exp(valueAlong(axis, logs, at)),
    measured: exp(curve.logs[i]!),
    spread: exp(valueAlong(axis, halfWidths, at)) - 1,
  }));
}

import type { MeasuredOperator } from "../measured-table.ts";
import type { OperatorQuery } from "../operator-query.ts";
import { type AxisErrors, axisErrors } from "./along-axis.ts";
import { curveGrid } from "./curve-grid.ts";
import type { DeviceRates } from "./device-rates.ts";
import { measuredCurves } from "./measured-curves.ts";
import type { OperatorFamily } from "./operator-family.ts";
import { curveOfMeasured, curveOfPredicted, type SiteCurve } from "./site-curve.ts";
import { fitSurface, surfaceParts } from "./surface.ts";

/** One table, fitted: curves of its sites, and of others when they are first asked for. */
export interface OperatorTable {
  readonly axis: Float64Array;
  readonly errors: AxisErrors;
  /** The curve of a query's site; undefined where the site lies too far from every measured one. */
  curveOf(query: OperatorQuery): SiteCurve | undefined;
}

/** Octaves from the nearest measured site beyond which a table says nothing. */
export const SITE_OCTAVES_MAX = 3;
/** Fewest sites from which others are predicted. */
const SITES_MIN = 4;
/** Most predicted curves kept; about 1 KiB each. */
const CURVES_MAX = 8192;

/** Fits a table. Complexity: sites³ + sites² x levels once, then sites² for each new site, and a look-up for a known one. */
export function fitOperatorTable(
  family: OperatorFamily<OperatorQuery>,
  rows: readonly MeasuredOperator[],
  rates: DeviceRates,
): OperatorTable {
  const curves = measuredCurves(family, rows, rates);
  const grid = curveGrid(curves);
  const known = new Map<string, SiteCurve | undefined>(curves.map((curve) => [curve.site, curveOfMeasured(curve)]));
  const measured = known.size;
  const surface = measured < SITES_MIN ? undefined : fitSurface(surfaceParts(grid, family.kernel), family.kernel);
  return {
    axis: grid.axis,
    errors: axisErrors(grid),
    curveOf(query) {
      const site = family.site(query);
      const found = known.get(site);
      if (found !== undefined || surface === undefined || known.has(site)) return found;
      const predicted = surface.curve(family.coordinates(query));
      const curve = predicted.nearest > SITE_OCTAVES_MAX ? undefined : curveOfPredicted(grid.axis, predicted);
      if (known.size < measured + CURVES_MAX) known.set(site, curve);
      return curve;
    },
  };
}

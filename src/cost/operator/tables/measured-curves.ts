import { ln } from "../../../base/math.ts";
import type { MeasuredOperator } from "../measured-table.ts";
import type { OperatorQuery } from "../operator-query.ts";
import type { DeviceRates } from "./device-rates.ts";
import type { OperatorFamily } from "./operator-family.ts";

/** One site's measurements in the order of their axis: logarithms of measured over rough time. Repeats of a query are averaged. */
export interface MeasuredCurve {
  readonly site: string;
  readonly group: string;
  readonly coordinates: readonly number[];
  readonly axis: Float64Array;
  readonly logs: Float64Array;
}

/** Curves of the rows of one table. */
export function measuredCurves<Q extends OperatorQuery>(
  family: OperatorFamily<Q>,
  rows: readonly MeasuredOperator[],
  rates: DeviceRates,
): MeasuredCurve[] {
  const sites = new Map<string, { query: Q; points: Map<number, { sum: number; count: number }> }>();
  for (const row of rows) {
    const query = row.query as Q;
    const name = family.site(query);
    const site = sites.get(name) ?? { query, points: new Map() };
    sites.set(name, site);
    const at = family.axis(query);
    const point = site.points.get(at) ?? { sum: 0, count: 0 };
    site.points.set(at, point);
    point.sum += ln(row.ns / family.baseNs(query, rates));
    point.count += 1;
  }
  return [...sites].map(([site, { query, points }]) => {
    const sorted = [...points].sort(([a], [b]) => a - b);
    return {
      site,
      group: family.group(query),
      coordinates: family.coordinates(query),
      axis: Float64Array.from(sorted, ([at]) => at),
      logs: Float64Array.from(sorted, ([, { sum, count }]) => sum / count),
    };
  });
}

/** Index of the last entry of a rising array that is at most `x`; -1 where there is none. */
export function indexBelow(axis: Float64Array, x: number): number {
  let low = 0;
  let high = axis.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (axis[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Value of a curve at `x`: straight between points, level beyond its ends. */
export function valueAlong(axis: Float64Array, values: Float64Array, x: number): number {
  const below = indexBelow(axis, x);
  if (below < 0) return values[0]!;
  if (below === axis.length - 1) return values[below]!;
  const share = (x - axis[below]!) / (axis[below + 1]! - axis[below]!);
  return values[below]! + share * (values[below + 1]! - values[below]!);
}

import { assert } from "../base/assert.ts";

/** A measured value at a point of a two-dimensional table. */
export interface GridPoint {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

export interface GridReading {
  readonly value: number;
  /** The point itself was measured. */
  readonly exact: boolean;
  /** How far outside the table (or a shorter row of it) the question lies, relative to the table's edge: 0 inside, 1 at twice the edge. */
  readonly outside: number;
}

interface Row {
  readonly x: number;
  readonly ys: readonly number[];
  readonly values: readonly number[];
}

/** Part of a step between two measured points, from 0 to 1; outside that range beyond the table. */
interface Position {
  readonly low: number;
  readonly high: number;
  readonly share: number;
  readonly outside: number;
}

/** Durations grow with work; where noise says otherwise beyond the edge, they stay level. */
const SLOPE_MIN = 0;

/**
 * Reads a table by linear interpolation along y within the two neighbouring rows, then along x.
 *
 * Model: a step's time is affine in batch and context within a cell (products a + b·batch, attention c·batch·context), which this reproduces exactly.
 * A point given twice counts as its last value. Beyond the edge the last slope goes on, and the reading says how far outside it lies. Rows may have different columns.
 * Complexity: O(log points) a reading.
 */
export function gridReader(points: readonly GridPoint[]): (x: number, y: number) => GridReading {
  assert(points.length > 0, "a table has at least one point");
  const rows = rowsOf(points);
  const xs = rows.map((row) => row.x);
  const yMax = rows.reduce((most, row) => Math.max(most, row.ys.at(-1)!), 0);
  return (x, y) => {
    const at = locate(xs, x, xs.at(-1)!);
    const low = readRow(rows[at.low]!, y, yMax);
    const high = at.high === at.low ? low : readRow(rows[at.high]!, y, yMax);
    return {
      value: Math.max(0, between(low.value, high.value, at.share)),
      exact: low.exact && (at.share === 0 || (at.share === 1 && high.exact)),
      outside: Math.max(at.outside, low.outside, at.share === 0 ? 0 : high.outside),
    };
  };
}

function rowsOf(points: readonly GridPoint[]): Row[] {
  const byX = new Map<number, Map<number, number>>();
  for (const { x, y, value } of points) {
    const row = byX.get(x) ?? new Map<number, number>();
    row.set(y, value);
    byX.set(x, row);
  }
  return [...byX.entries()]
    .sort(([a], [b]) => a - b)
    .map(([x, row]) => {
      const sorted = [...row.entries()].sort(([a], [b]) => a - b);
      return { x, ys: sorted.map(([y]) => y), values: sorted.map(([, value]) => value) };
    });
}

function readRow(row: Row, y: number, scale: number): GridReading {
  const at = locate(row.ys, y, scale);
  const value = between(row.values[at.low]!, row.values[at.high]!, at.share);
  return { value, exact: (at.share === 0 || at.share === 1) && at.outside === 0, outside: at.outside };
}

function between(low: number, high: number, share: number): number {
  const inside = share >= 0 && share <= 1;
  const slope = inside ? high - low : Math.max(SLOPE_MIN, high - low);
  return share > 1 ? high + slope * (share - 1) : low + slope * share;
}

/** The cell of an ascending list that holds `value`; the first or last cell beyond the ends, with the distance as a share of `scale`. */
function locate(sorted: readonly number[], value: number, scale: number): Position {
  const last = sorted.length - 1;
  const first = sorted[0]!;
  const end = sorted[last]!;
  const outside = (value > end ? value - end : Math.max(0, first - value)) / Math.max(1, scale);
  if (last === 0) return { low: 0, high: 0, share: 0, outside };
  let low = 0;
  while (low < last - 1 && sorted[low + 1]! <= value) low += 1;
  const from = sorted[low]!;
  return { low, high: low + 1, share: (value - from) / (sorted[low + 1]! - from), outside };
}

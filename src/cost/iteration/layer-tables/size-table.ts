import { assert } from "../../../base/assert.ts";

/** A time by a whole size from 0: linear between measured sizes, level below the first, the last slope beyond the last. Units: ns. */
export interface SizeTable {
  readonly sizes: Float64Array;
  readonly times: Float64Array;
}

export function sizeTable(points: readonly { readonly size: number; readonly ns: number }[]): SizeTable {
  assert(points.length > 0, "a table has at least one point");
  const sorted = [...points].sort((a, b) => a.size - b.size);
  return { sizes: Float64Array.from(sorted, ({ size }) => size), times: Float64Array.from(sorted, ({ ns }) => ns) };
}

/** Complexity: O(log sizes), no allocation. */
export function timeAt({ sizes, times }: SizeTable, size: number): number {
  const last = sizes.length - 1;
  if (size <= sizes[0]! || last === 0) return times[0]! * (last === 0 && size > sizes[0]! ? size / sizes[0]! : 1);
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sizes[middle]! <= size) low = middle;
    else high = middle;
  }
  // More work takes no less time: noise at the edge is not carried on.
  const slope = (times[high]! - times[low]!) / (sizes[high]! - sizes[low]!);
  return times[low]! + (size > sizes[high]! ? Math.max(0, slope) : slope) * (size - sizes[low]!);
}

import { ln } from "../../../../base/math.ts";
import type { MeasuredTime } from "../fit/fit-constants.ts";
import type { ComputeQuery } from "../operator-time.ts";

/** Distance of two sizes of which one is absent or 0. */
const ABSENT = 4;
/** Distance of fields that are no numbers, such as types, where they differ. */
const UNLIKE = 2;

/** For each wanted query the measured row that is nearest in sizes, each row once: what stands for a microbenchmark in a table. */
export function nearestRows(rows: readonly MeasuredTime[], wanted: readonly ComputeQuery[]): readonly MeasuredTime[] {
  const taken = new Set<MeasuredTime>();
  for (const query of wanted) {
    let best: MeasuredTime | undefined;
    let least = Infinity;
    for (const row of rows) {
      if (taken.has(row)) continue;
      const apart = distance(row.query, query);
      if (apart < least) {
        best = row;
        least = apart;
      }
    }
    if (best !== undefined) taken.add(best);
  }
  return [...taken];
}

/** Sum of |ln| of the ratios of all sizes. */
function distance(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") {
    if (a === b) return 0;
    return a > 0 && b > 0 ? Math.abs(ln(a / b)) : ABSENT;
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b ? 0 : UNLIKE;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  let sum = 0;
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) sum += distance(left[name], right[name]);
  return sum;
}

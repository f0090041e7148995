import { gridPlace, gridValue } from "./grid-index.ts";

/** A price over one quantity. */
export type Curve = (x: number) => number;

/**
 * A function as straight pieces between nodes, each computed once when it is first needed and never below the node before it (so the curve rises
 * even where a table is noisy). Exact at the nodes; 0 at 0. Complexity: a call reads two numbers; allocation-free once filled.
 */
export function risingCurve(at: (x: number) => number): Curve {
  let values = new Float64Array(64);
  let filled = 0;
  const fill = (last: number): void => {
    if (last >= values.length) {
      const longer = new Float64Array(last + 64);
      longer.set(values);
      values = longer;
    }
    for (let node = filled + 1; node <= last; node++) values[node] = Math.max(values[node - 1]!, at(gridValue(node)));
    filled = last;
  };
  return (x) => {
    const place = gridPlace(x);
    const below = Math.floor(place);
    const last = place > below ? below + 1 : below;
    if (last > filled) fill(last);
    const low = values[below]!;
    return place > below ? low + (values[below + 1]! - low) * (place - below) : low;
  };
}

import { gridPlace, gridValue } from "./grid-index.ts";

/** A price over two quantities. */
export type Surface = (x: number, y: number) => number;

/** Columns of the stored table: nodes of the second axis up to 2^30. */
const COLUMNS = 126;

/**
 * A function of two quantities as bilinear pieces between nodes (four an octave on each axis), each node computed once when it is first needed.
 * Exact at the nodes and where the function is a sum of 1, x, y and x y between them; as monotone as the function. 0 where `x` is 0.
 * Complexity: a call reads four numbers; allocation-free once filled.
 */
export function surface(at: (x: number, y: number) => number): Surface {
  let values = new Float64Array(0);
  const read = (row: number, column: number): number => {
    const index = row * COLUMNS + column;
    if (index >= values.length) {
      const longer = new Float64Array((row + 16) * COLUMNS).fill(Number.NaN);
      longer.set(values);
      values = longer;
    }
    const kept = values[index]!;
    if (!Number.isNaN(kept)) return kept;
    const made = row === 0 ? 0 : at(gridValue(row), gridValue(column));
    values[index] = made;
    return made;
  };
  return (x, y) => {
    if (x <= 0) return 0;
    const px = gridPlace(x);
    const py = gridPlace(y);
    const row = Math.floor(px);
    const column = Math.floor(py);
    const dx = px - row;
    const dy = py - column;
    let ns = read(row, column) * (1 - dx) * (1 - dy);
    if (dx > 0) ns += read(row + 1, column) * dx * (1 - dy);
    if (dy > 0) ns += read(row, column + 1) * (1 - dx) * dy;
    if (dx > 0 && dy > 0) ns += read(row + 1, column + 1) * dx * dy;
    return ns;
  };
}

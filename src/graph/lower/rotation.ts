/**
 * A fixed rotation of the residual stream: blocks of columns through a Hadamard matrix, orthogonal and its own inverse.
 *
 * Why: a row of activations is rounded with one scale, and a few columns are far larger than the rest; rotated, their size is shared by the
 * whole block and the rounding error of the others falls. Weights before and after are rotated once, when the model is lowered.
 * Source: the idea of QuaRot (Ashkboos et al., 2024, arXiv 2404.00456).
 */
const BLOCK_MAX = 128;

/** Columns rotated together: the largest power of two up to 128 that divides the width. */
export function rotationBlock(width: number): number {
  let block = 1;
  while (block < BLOCK_MAX && width % (block * 2) === 0) block *= 2;
  return block;
}

/** The block's matrix, [block, block], symmetric. */
export function rotationMatrix(block: number): Float32Array {
  const matrix = new Float32Array(block * block);
  for (let row = 0; row < block; row++) {
    matrix[row * block + row] = 1;
    rotate(matrix, row * block, block);
  }
  return matrix;
}

/** Rotates `size` values from `offset` on in place, block by block. Complexity: O(size · log block). */
export function rotate(values: Float32Array, offset: number, size: number): void {
  const block = rotationBlock(size);
  const norm = Math.fround(1 / Math.sqrt(block));
  for (let start = offset; start < offset + size; start += block) {
    for (let half = 1; half < block; half *= 2) {
      for (let low = start; low < start + block; low += half * 2) {
        for (let a = low; a < low + half; a++) {
          const sum = values[a]! + values[a + half]!;
          values[a + half] = values[a]! - values[a + half]!;
          values[a] = sum;
        }
      }
    }
    for (let at = start; at < start + block; at++) values[at]! *= norm;
  }
}

/** Rotates every column of a matrix [rows, columns] in place: whole rows are added and subtracted, which runs along memory. */
export function rotateRows(
  values: Float32Array,
  matrix: { readonly offset: number; readonly rows: number; readonly columns: number },
): void {
  const { offset, rows, columns } = matrix;
  const block = rotationBlock(rows);
  const norm = Math.fround(1 / Math.sqrt(block));
  for (let start = 0; start < rows; start += block) {
    for (let half = 1; half < block; half *= 2) {
      for (let i = 0; i < block; i++) {
        if ((i & half) !== 0) continue;
        const a = offset + (start + i) * columns;
        const b = a + half * columns;
        for (let column = 0; column < columns; column++) {
          const sum = values[a + column]! + values[b + column]!;
          values[b + column] = values[a + column]! - values[b + column]!;
          values[a + column] = sum;
        }
      }
    }
    const end = offset + (start + block) * columns;
    for (let at = offset + start * columns; at < end; at++) values[at]! *= norm;
  }
}

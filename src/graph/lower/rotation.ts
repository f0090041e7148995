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
    rotate(matrix, { offset: row * block, size: block, stride: 1 });
  }
  return matrix;
}

/** Rotates `size` values in place, block by block. Complexity: O(size · log block). */
export function rotate(values: Float32Array, at: { readonly offset: number; readonly size: number; readonly stride: number }): void {
  const block = rotationBlock(at.size);
  const norm = Math.fround(1 / Math.sqrt(block));
  for (let start = 0; start < at.size; start += block) {
    for (let half = 1; half < block; half *= 2) {
      for (let i = 0; i < block; i++) {
        if ((i & half) !== 0) continue;
        const a = at.offset + (start + i) * at.stride;
        const b = a + half * at.stride;
        const sum = values[a]! + values[b]!;
        values[b] = values[a]! - values[b]!;
        values[a] = sum;
      }
    }
    for (let i = 0; i < block; i++) values[at.offset + (start + i) * at.stride]! *= norm;
  }
}

import { FORMAT_LAYOUTS, rowsAndColumns } from "../decoder/formats.ts";
import { halfTable } from "../decoder/half.ts";
import type { WeightTensor } from "../decoder/weights.ts";
import { type StackedMatrix, stackedFloats } from "./matrix.ts";

/** Signed 8-bit weights with one scale per output: w = q * scale. Shapes: quants [columns, rows] (transposed), scales [rows]. */
export interface Int8Matrix {
  readonly quants: Int8Array;
  readonly scales: Float32Array;
}

const INT8_MAX = 127;
/** Larger than any quant is negative. */
const SHIFT = 128;
/** Rows of a transposition tile: their current cache lines fit the first-level cache together. */
const TILE = 64;

/** Rounds each output's weights to 8 bits, symmetric. */
export function packInt8(matrix: StackedMatrix): Int8Matrix {
  const { rows, columns } = matrix;
  const values = stackedFloats(matrix);
  const quants = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  const inverses = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let most = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      const value = values[i]!;
      if (value > most) most = value;
      else if (-value > most) most = -value;
    }
    const scale = Math.fround(most / INT8_MAX);
    scales[row] = scale;
    inverses[row] = scale === 0 ? 0 : 1 / scale;
  }
  // Transposed tile by tile, so that reads and writes stay in the cache.
  for (let fromRow = 0; fromRow < rows; fromRow += TILE) {
    const toRow = Math.min(rows, fromRow + TILE);
    for (let column = 0; column < columns; column++) {
      for (let row = fromRow; row < toRow; row++) {
        // Shifted to be positive, cutting off is rounding to the nearest; several times faster than Math.round.
        quants[column * rows + row] = ((values[row * columns + column]! * inverses[row]! + SHIFT + 0.5) | 0) - SHIFT;
      }
    }
  }
  return { quants, scales };
}

/** Q8_0 as MatMulNBits wants it: q + 128 with the default zero point 128; exact. Shapes: quants [rows, columns], scales [rows, columns / 32]. */
export function packQ8(tensor: WeightTensor): { readonly quants: Uint8Array; readonly scales: Float32Array } {
  const half = halfTable();
  const { blockBytes, blockElements } = FORMAT_LAYOUTS.Q8_0;
  const { rows, columns } = rowsAndColumns(tensor.shape);
  const quants = new Uint8Array(rows * columns);
  const scales = new Float32Array((rows * columns) / blockElements);
  const source = tensor.data;
  for (let block = 0; block < scales.length; block++) {
    const at = block * blockBytes;
    scales[block] = half[source[at]! | (source[at + 1]! << 8)]!;
    const target = block * blockElements;
    for (let i = 0; i < blockElements; i++) quants[target + i] = source[at + 2 + i]! ^ 0x80;
  }
  return { quants, scales };
}

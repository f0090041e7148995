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

/** Rounds each output's weights to 8 bits, symmetric. */
export function packInt8(matrix: StackedMatrix): Int8Matrix {
  const { rows, columns } = matrix;
  const values = stackedFloats(matrix);
  const quants = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let most = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) most = Math.max(most, Math.abs(values[i]!));
    const scale = Math.fround(most / INT8_MAX);
    scales[row] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let column = 0; column < columns; column++) {
      quants[column * rows + row] = Math.round(values[row * columns + column]! * inverse);
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

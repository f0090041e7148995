import { dequantiseAll } from "../../../../graph/decoder/dequantise.ts";
import { rowsAndColumns } from "../../../../graph/decoder/formats.ts";
import type { WeightTensor } from "../../../../graph/decoder/weights.ts";

/** Weights that share a scale, and activations. */
export const PRODUCT_BLOCK = 32;
const LARGEST = 127;

/** A matrix in 8 bits, w = scale · q: quants [rows, columns], scales [rows, columns / block]. */
export interface ProductWeights {
  readonly rows: number;
  readonly columns: number;
  /** Weights of a row that share a scale. */
  readonly block: number;
  readonly quants: Int8Array;
  readonly scales: Float32Array;
}

/** Weights of a row that share a scale: 32, or all of them where its columns are no multiple of that. */
export function blockOf(columns: number): number {
  return columns % PRODUCT_BLOCK === 0 ? PRODUCT_BLOCK : columns;
}

/** Rounds a matrix to 255 levels a block. `order`: the tensor's row at each place. */
export function productWeights(tensor: WeightTensor, order?: Int32Array): ProductWeights {
  const { rows, columns } = rowsAndColumns(tensor.shape);
  const block = blockOf(columns);
  const values = dequantiseAll(tensor);
  const quants = new Int8Array(rows * columns);
  const scales = new Float32Array((rows * columns) / block);
  for (let row = 0; row < rows; row++) {
    const from = (order?.[row] ?? row) * columns;
    for (let at = 0; at < columns; at += block) {
      let largest = 0;
      for (let i = at; i < at + block; i++) largest = Math.max(largest, Math.abs(values[from + i]!));
      scales[(row * columns + at) / block] = largest / LARGEST;
      const inverse = largest === 0 ? 0 : LARGEST / largest;
      for (let i = at; i < at + block; i++) quants[row * columns + i] = Math.round(values[from + i]! * inverse);
    }
  }
  return { rows, columns, block, quants, scales };
}

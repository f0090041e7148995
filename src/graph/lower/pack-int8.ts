import { q6kQuant } from "../decoder/dequantise.ts";
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
/** Layout of a block of Q6_K: weights per scale, where the scales and their scale lie; and what moves its middle, 32, to 128. Source: ggml-common.h. */
const Q6K_BLOCK = 16;
const Q6K_SCALES = 192;
const Q6K_SCALE = 208;
const Q6K_SHIFT = 96;
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

/** Weights of more than 4 bits as MatMulNBits wants them, exact: w = (q - 128) * scale. Shapes: quants [rows, columns], scales [rows, columns / block]. */
export interface EightBitMatrix {
  readonly quants: Uint8Array;
  readonly scales: Float32Array;
  /** Weights per scale. */
  readonly block: number;
}

/** Whether a format has more than 4 and at most 8 bits, which `packEightBit` keeps. */
export function isEightBit(tensor: WeightTensor): boolean {
  return tensor.format === "Q8_0" || tensor.format === "Q6_K";
}

/** Q8_0 or Q6_K; `scale` multiplies all weights. */
export function packEightBit(tensor: WeightTensor, scale: number): EightBitMatrix {
  const packed = tensor.format === "Q6_K" ? packQ6K(tensor) : packQ8(tensor);
  if (scale !== 1) for (let i = 0; i < packed.scales.length; i++) packed.scales[i]! *= scale;
  return packed;
}

function packQ8(tensor: WeightTensor): EightBitMatrix {
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
  return { quants, scales, block: blockElements };
}

/** Blocks of 16 with 8-bit scales: w = d·s·(q - 32) with q in 0 to 63. */
function packQ6K(tensor: WeightTensor): EightBitMatrix {
  const half = halfTable();
  const { blockBytes, blockElements } = FORMAT_LAYOUTS.Q6_K;
  const { rows, columns } = rowsAndColumns(tensor.shape);
  const quants = new Uint8Array(rows * columns);
  const scales = new Float32Array((rows * columns) / Q6K_BLOCK);
  const source = tensor.data;
  for (let at = 0, to = 0; at < source.length; at += blockBytes, to += blockElements) {
    const d = half[source[at + Q6K_SCALE]! | (source[at + Q6K_SCALE + 1]! << 8)]!;
    for (let i = 0; i < blockElements; i++) quants[to + i] = q6kQuant(source, at, i) + Q6K_SHIFT;
    for (let i = 0; i < blockElements / Q6K_BLOCK; i++) {
      scales[to / Q6K_BLOCK + i] = d * ((source[at + Q6K_SCALES + i]! << 24) >> 24);
    }
  }
  return { quants, scales, block: Q6K_BLOCK };
}

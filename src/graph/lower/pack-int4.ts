import { dequantiseAll, q4kMinimum, q4kScale } from "../decoder/dequantise.ts";
import { FORMAT_LAYOUTS } from "../decoder/formats.ts";
import { halfTable } from "../decoder/half.ts";
import type { WeightTensor } from "../decoder/weights.ts";
import type { StackedMatrix } from "./matrix.ts";

/** Weights per scale; what MatMulNBits runs fastest and GGUF's 4-bit formats use. */
export const INT4_BLOCK = 32;
const BLOCK_BYTES = INT4_BLOCK / 2;
/** Where a block of Q4_K holds its packed scales and its quants. Source: ggml-common.h of llama.cpp. */
const Q4K_SCALES = 4;
const Q4K_QUANTS = 16;

/**
 * A matrix as MatMulNBits wants it, w = (q - 8) * scale + offset; without `offsets` every offset is 0.
 *
 * Shapes: quants [rows, blocks, 16], two weights a byte, low nibble first; scales and offsets [rows, blocks], blocks = columns / 32.
 */
export interface Int4Matrix {
  readonly quants: Uint8Array;
  readonly scales: Float32Array;
  readonly offsets: Float32Array | undefined;
}

/** Exact for Q4_0, Q4_1 and Q4_K; other formats are rounded to 4 bits (16 levels between the block's least and greatest weight). */
export function packInt4(matrix: StackedMatrix): Int4Matrix {
  const blocks = (matrix.rows * matrix.columns) / INT4_BLOCK;
  const out = { quants: new Uint8Array(blocks * BLOCK_BYTES), scales: new Float32Array(blocks), offsets: new Float32Array(blocks) };
  let block = 0;
  for (const { tensor, scale } of matrix.parts) {
    const from = block;
    if (tensor.format === "Q4_0" || tensor.format === "Q4_1") block = packQ4(tensor, out, block);
    else if (tensor.format === "Q4_K") block = packQ4K(tensor, out, block);
    else block = packFloats(dequantiseAll(tensor), out, block);
    for (let i = from; i < block; i++) {
      out.scales[i]! *= scale;
      out.offsets[i]! *= scale;
    }
  }
  return out.offsets.some((offset) => offset !== 0) ? out : { ...out, offsets: undefined };
}

interface Packing {
  readonly quants: Uint8Array;
  readonly scales: Float32Array;
  readonly offsets: Float32Array;
}

function packQ4(tensor: WeightTensor, out: Packing, first: number): number {
  const half = halfTable();
  const withMinimum = tensor.format === "Q4_1";
  const { blockBytes } = FORMAT_LAYOUTS[tensor.format];
  const head = withMinimum ? 4 : 2;
  const source = tensor.data;
  let block = first;
  for (let at = 0; at < source.length; at += blockBytes, block++) {
    const scale = half[source[at]! | (source[at + 1]! << 8)]!;
    out.scales[block] = scale;
    // d·q + m = d·(q - 8) + (m + 8·d)
    out.offsets[block] = withMinimum ? half[source[at + 2]! | (source[at + 3]! << 8)]! + 8 * scale : 0;
    // GGUF pairs element i with i + 16; MatMulNBits pairs 2i with 2i + 1.
    const target = block * BLOCK_BYTES;
    for (let i = 0; i < BLOCK_BYTES; i += 2) {
      const a = source[at + head + i]!;
      const b = source[at + head + i + 1]!;
      out.quants[target + i / 2] = (a & 15) | ((b & 15) << 4);
      out.quants[target + (i + BLOCK_BYTES) / 2] = (a >> 4) | (b & 0xf0);
    }
  }
  return block;
}

/** Sub-blocks of 32 with 6-bit scales and minima: d·s·q - m = d·s·(q - 8) + (8·d·s - m). */
function packQ4K(tensor: WeightTensor, out: Packing, first: number): number {
  const half = halfTable();
  const { blockBytes, blockElements } = FORMAT_LAYOUTS.Q4_K;
  const source = tensor.data;
  let block = first;
  for (let at = 0; at < source.length; at += blockBytes) {
    const d = half[source[at]! | (source[at + 1]! << 8)]!;
    const dMin = half[source[at + 2]! | (source[at + 3]! << 8)]!;
    for (let j = 0; j < blockElements / INT4_BLOCK; j++, block++) {
      const scale = d * q4kScale(source, at + Q4K_SCALES, j);
      out.scales[block] = scale;
      out.offsets[block] = 8 * scale - dMin * q4kMinimum(source, at + Q4K_SCALES, j);
      const quants = at + Q4K_QUANTS + INT4_BLOCK * (j >>> 1);
      const shift = (j & 1) * 4;
      for (let i = 0; i < INT4_BLOCK; i += 2) {
        const pair = ((source[quants + i]! >>> shift) & 15) | (((source[quants + i + 1]! >>> shift) & 15) << 4);
        out.quants[block * BLOCK_BYTES + i / 2] = pair;
      }
    }
  }
  return block;
}

function packFloats(values: Float32Array, out: Packing, first: number): number {
  let block = first;
  for (let at = 0; at < values.length; at += INT4_BLOCK, block++) {
    let low = values[at]!;
    let high = low;
    for (let i = 1; i < INT4_BLOCK; i++) {
      low = Math.min(low, values[at + i]!);
      high = Math.max(high, values[at + i]!);
    }
    const scale = Math.fround((high - low) / 15);
    out.scales[block] = scale;
    out.offsets[block] = low + 8 * scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = 0; i < INT4_BLOCK; i += 2) {
      const a = level((values[at + i]! - low) * inverse);
      const b = level((values[at + i + 1]! - low) * inverse);
      out.quants[block * BLOCK_BYTES + i / 2] = a | (b << 4);
    }
  }
  return block;
}

function level(value: number): number {
  return Math.max(0, Math.min(15, Math.round(value)));
}

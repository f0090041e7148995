import { assert, unreachable } from "../../base/assert.ts";
import { FORMAT_LAYOUTS, rowBytes, rowsAndColumns } from "./formats.ts";
import { halfTable } from "./half.ts";
import type { WeightTensor } from "./weights.ts";

/**
 * Rows `fromRow` (included) to `toRow` (excluded) of a tensor as 32-bit floats; a vector is one row.
 *
 * Shapes: returns [(toRow - fromRow) * columns], row-major.
 * Source: block layouts of llama.cpp's ggml-common.h.
 */
export function dequantise(tensor: WeightTensor, fromRow: number, toRow: number): Float32Array {
  const { rows, columns } = rowsAndColumns(tensor.shape);
  assert(fromRow >= 0 && fromRow <= toRow && toRow <= rows, "rows lie inside the tensor", { fromRow, toRow, rows });
  const bytesPerRow = rowBytes(tensor.format, columns);
  assert(bytesPerRow !== undefined, "blocks divide a row", tensor.shape);
  assert(tensor.data.byteLength === rows * bytesPerRow, "data has the size of format and shape", tensor.name);
  const out = new Float32Array((toRow - fromRow) * columns);
  decodeInto(tensor, tensor.data.subarray(fromRow * bytesPerRow, toRow * bytesPerRow), out);
  return out;
}

/** The whole tensor as 32-bit floats, row-major. */
export function dequantiseAll(tensor: WeightTensor): Float32Array {
  return dequantise(tensor, 0, rowsAndColumns(tensor.shape).rows);
}

function decodeInto(tensor: WeightTensor, source: Uint8Array, out: Float32Array): void {
  switch (tensor.format) {
    case "F32":
      new Uint8Array(out.buffer).set(source);
      return;
    case "F16":
      decodeF16(source, out);
      return;
    case "BF16":
      decodeBf16(source, out);
      return;
    case "Q4_0":
      decodeQ4(source, out, false);
      return;
    case "Q4_1":
      decodeQ4(source, out, true);
      return;
    case "Q8_0":
      decodeQ8(source, out);
      return;
    case "Q4_K":
      decodeQ4K(source, out);
      return;
    case "Q6_K":
      decodeQ6K(source, out);
      return;
    default:
      unreachable(tensor.format);
  }
}

function u16(source: Uint8Array, at: number): number {
  return source[at]! | (source[at + 1]! << 8);
}

function decodeF16(source: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let i = 0; i < out.length; i++) out[i] = half[u16(source, 2 * i)]!;
}

function decodeBf16(source: Uint8Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < out.length; i++) bits[i] = u16(source, 2 * i) << 16;
}

/** Q4_0 stores w = d (q - 8); Q4_1 w = d q + m. Low nibbles are elements 0-15 of a block, high ones 16-31. */
function decodeQ4(source: Uint8Array, out: Float32Array, hasMinimum: boolean): void {
  const half = halfTable();
  const { blockBytes } = hasMinimum ? FORMAT_LAYOUTS.Q4_1 : FORMAT_LAYOUTS.Q4_0;
  const header = hasMinimum ? 4 : 2;
  for (let at = 0, to = 0; at < source.length; at += blockBytes, to += 32) {
    const scale = half[u16(source, at)]!;
    const minimum = hasMinimum ? half[u16(source, at + 2)]! : -8 * scale;
    for (let i = 0; i < 16; i++) {
      const pair = source[at + header + i]!;
      out[to + i] = scale * (pair & 15) + minimum;
      out[to + 16 + i] = scale * (pair >>> 4) + minimum;
    }
  }
}

function decodeQ8(source: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; at < source.length; at += 34, to += 32) {
    const scale = half[u16(source, at)]!;
    for (let i = 0; i < 32; i++) out[to + i] = scale * ((source[at + 2 + i]! << 24) >> 24);
  }
}

/** Scale of sub-block `j` (of 8) of a Q4_K block whose 12 packed bytes start at `at`. */
export function q4kScale(source: Uint8Array, at: number, j: number): number {
  return j < 4 ? source[at + j]! & 63 : (source[at + j + 4]! & 15) | ((source[at + j - 4]! >>> 6) << 4);
}

/** Minimum of sub-block `j`, packed as {@link q4kScale}. */
export function q4kMinimum(source: Uint8Array, at: number, j: number): number {
  return j < 4 ? source[at + j + 4]! & 63 : (source[at + j + 4]! >>> 4) | ((source[at + j]! >>> 6) << 4);
}

function decodeQ4K(source: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; at < source.length; at += 144, to += 256) {
    const d = half[u16(source, at)]!;
    const dMin = half[u16(source, at + 2)]!;
    for (let j = 0; j < 8; j++) {
      const scale = d * q4kScale(source, at + 4, j);
      const minimum = dMin * q4kMinimum(source, at + 4, j);
      const quants = at + 16 + 32 * (j >>> 1);
      const shift = (j & 1) * 4;
      for (let i = 0; i < 32; i++) out[to + 32 * j + i] = scale * ((source[quants + i]! >>> shift) & 15) - minimum;
    }
  }
}

/** The 6-bit quant of element `i` (0-255) of the Q6_K block at `at`, 0-63; its weight is d * scale[i / 16] * (q - 32). */
export function q6kQuant(source: Uint8Array, at: number, i: number): number {
  const part = i >>> 7;
  const within = i & 127;
  const low = source[at + part * 64 + (within & 63)]!;
  const high = source[at + 128 + part * 32 + (within & 31)]!;
  return ((low >>> ((within >>> 6) * 4)) & 15) | (((high >>> ((within >>> 5) * 2)) & 3) << 4);
}

function decodeQ6K(source: Uint8Array, out: Float32Array): void {
  const half = halfTable();
  for (let at = 0, to = 0; at < source.length; at += 210, to += 256) {
    const d = half[u16(source, at + 208)]!;
    for (let i = 0; i < 256; i++) {
      const scale = (source[at + 192 + (i >>> 4)]! << 24) >> 24;
      out[to + i] = d * scale * (q6kQuant(source, at, i) - 32);
    }
  }
}

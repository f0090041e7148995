import { FP8_MAX, FP8_VALUES, fp8Code } from "./fp8.ts";

const INT8_MAX = 127;
/** Adding it to a small f32 rounds to a whole number, ties to even. */
const ROUNDER = 12_582_912;

/** Values that share a scale lie one after the other: runs of `block` in rows of `width`, the last of a row perhaps shorter. */
export interface Blocks {
  readonly width: number;
  readonly block: number;
}

/** Scale largest / 127 per block; a block of zeros has scale 0. Error: at most half a scale. */
export function quantizeInt8(values: Float32Array, blocks: Blocks): { readonly codes: Int8Array; readonly scales: Float32Array } {
  const codes = new Int8Array(values.length);
  const scales = scalesOf(values, blocks, INT8_MAX);
  eachBlock(values.length, blocks, (from, to, place) => {
    const factor = scales[place] === 0 ? 0 : 1 / scales[place]!;
    for (let i = from; i < to; i++) {
      const code = Math.fround(values[i]! * factor + ROUNDER) - ROUNDER;
      // Only where the scale is a subnormal f32, too coarse for its row.
      codes[i] = code > INT8_MAX ? INT8_MAX : code < -INT8_MAX ? -INT8_MAX : code;
    }
  });
  return { codes, scales };
}

export function dequantizeInt8(codes: Int8Array, scales: Float32Array, blocks: Blocks): Float32Array {
  const values = new Float32Array(codes.length);
  eachBlock(codes.length, blocks, (from, to, place) => {
    const scale = scales[place]!;
    for (let i = from; i < to; i++) values[i] = codes[i]! * scale;
  });
  return values;
}

/** Scale largest / 448 per block; a block of zeros has scale 0. Error: at most 1/16 of a value, or 2^-10 of a scale. */
export function quantizeFp8(values: Float32Array, blocks: Blocks): { readonly codes: Uint8Array; readonly scales: Float32Array } {
  const codes = new Uint8Array(values.length);
  const scales = scalesOf(values, blocks, FP8_MAX);
  eachBlock(values.length, blocks, (from, to, place) => {
    const factor = scales[place] === 0 ? 0 : 1 / scales[place]!;
    for (let i = from; i < to; i++) codes[i] = fp8Code(values[i]! * factor);
  });
  return { codes, scales };
}

export function dequantizeFp8(codes: Uint8Array, scales: Float32Array, blocks: Blocks): Float32Array {
  const values = new Float32Array(codes.length);
  eachBlock(codes.length, blocks, (from, to, place) => {
    const scale = scales[place]!;
    for (let i = from; i < to; i++) values[i] = FP8_VALUES[codes[i]!]! * scale;
  });
  return values;
}

function scalesOf(values: Float32Array, blocks: Blocks, most: number): Float32Array {
  const perRow = Math.ceil(blocks.width / blocks.block);
  const scales = new Float32Array(blocks.width === 0 ? 0 : (values.length / blocks.width) * perRow);
  eachBlock(values.length, blocks, (from, to, place) => {
    let largest = 0;
    for (let i = from; i < to; i++) {
      const size = Math.abs(values[i]!);
      if (size > largest) largest = size;
    }
    scales[place] = largest / most;
  });
  return scales;
}

function eachBlock(count: number, { width, block }: Blocks, action: (from: number, to: number, place: number) => void): void {
  let place = 0;
  for (let row = 0; row < count; row += width) {
    for (let from = row; from < row + width; from += block) action(from, Math.min(from + block, row + width), place++);
  }
}

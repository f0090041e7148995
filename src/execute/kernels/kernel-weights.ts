import { dequantiseAll } from "../../graph/decoder/dequantise.ts";
import { rowsAndColumns } from "../../graph/decoder/formats.ts";
import { halfBits } from "../../graph/decoder/half.ts";
import type { WeightTensor } from "../../graph/decoder/weights.ts";
import { stack } from "../../graph/lower/matrix.ts";
import { INT4_BLOCK, packInt4 } from "../../graph/lower/pack-int4.ts";

/** Weights that share a scale. */
export const KERNEL_BLOCK = 32;
/** Bytes an activation takes, with its part of its block's scale and sum: each lies four times (`wasm/layout.ts`). */
export const ACTIVATION_BYTES = 5;
/** Outputs that lie together. */
export const KERNEL_GROUP = 4;
/** 32 columns of four outputs in 4 bits. */
const PLANE_BYTES = 64;
/** A block of four outputs: planes, then scales, d and m in f16 or d in f32. */
const BLOCK_BYTES = { 4: PLANE_BYTES + 2 * KERNEL_GROUP * 2, 8: 2 * PLANE_BYTES + KERNEL_GROUP * 4 } as const;
const LARGEST = 127;
const OFFSET = 128;

/** A matrix in blocks of 32 weights, w = d·q + m. */
export interface BlockMatrix {
  readonly bits: 4 | 8;
  readonly rows: number;
  /** A multiple of 32: columns behind the tensor's are zero or meet activations that are. */
  readonly columns: number;
  /** [rows, columns]: one a byte. */
  readonly quants: Uint8Array;
  /** d and m, [rows, columns / 32]. */
  readonly scales: Float32Array;
  readonly offsets: Float32Array;
}

export type KernelBits = BlockMatrix["bits"];

/** Bytes of a matrix as the kernels hold it: 20 bytes for 32 weights in 4 bits, 36 in 8. */
export function kernelMatrixBytes(rows: number, columns: number, bits: KernelBits): number {
  return Math.ceil(rows / KERNEL_GROUP) * Math.ceil(columns / KERNEL_BLOCK) * BLOCK_BYTES[bits];
}

/** 4 bits where all tensors of a product are in formats of 4-bit blocks of 32, else 8. */
export function kernelBits(tensors: readonly Pick<WeightTensor, "format">[]): KernelBits {
  return tensors.every(({ format }) => format === "Q4_0" || format === "Q4_1" || format === "Q4_K") ? 4 : 8;
}

/** Tensors under each other; in 4 bits as the file holds them (scales to f32's precision), in 8 bits rounded to 255 levels a block. */
export function blockMatrix(tensors: readonly WeightTensor[]): BlockMatrix {
  const sizes = tensors.map(({ shape }) => rowsAndColumns(shape));
  const given = sizes[0]?.columns ?? 0;
  const rows = sizes.reduce((sum, size) => sum + size.rows, 0);
  const columns = Math.ceil(given / KERNEL_BLOCK) * KERNEL_BLOCK;
  const bits = kernelBits(tensors);
  const blocks = (rows * columns) / KERNEL_BLOCK;
  const out = { quants: new Uint8Array(rows * columns), scales: new Float32Array(blocks), offsets: new Float32Array(blocks) };
  if (bits === 4) fromFour(tensors, out);
  else {
    let row = 0;
    for (const tensor of tensors) {
      const values = dequantiseAll(tensor);
      for (let at = 0; at < values.length; at += given, row++) rowToEight(values.subarray(at, at + given), out, row * columns);
    }
  }
  return { bits, rows, columns, ...out };
}

type Levels = Pick<BlockMatrix, "quants" | "scales" | "offsets">;

function fromFour(tensors: readonly WeightTensor[], out: Levels): void {
  const { quants, scales, offsets } = packInt4(
    stack(
      "block",
      tensors.map((tensor) => ({ tensor, scale: 1 })),
    ),
  );
  for (let i = 0; i < quants.length; i++) {
    out.quants[2 * i] = quants[i]! & 15;
    out.quants[2 * i + 1] = quants[i]! >> 4;
  }
  for (let block = 0; block < scales.length; block++) {
    out.scales[block] = scales[block]!;
    // (q - 8)·d + offset = d·q + (offset - 8·d)
    out.offsets[block] = (offsets?.[block] ?? 0) - (INT4_BLOCK / 4) * scales[block]!;
  }
}

function rowToEight(values: Float32Array, { quants, scales, offsets }: Levels, first: number): void {
  for (let at = 0; at < values.length; at += KERNEL_BLOCK) {
    const end = Math.min(at + KERNEL_BLOCK, values.length);
    let largest = 0;
    for (let i = at; i < end; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = Math.fround(largest / LARGEST);
    const inverse = largest === 0 ? 0 : LARGEST / largest;
    const block = (first + at) / KERNEL_BLOCK;
    scales[block] = scale;
    offsets[block] = -OFFSET * scale;
    for (let i = at; i < end; i++) quants[first + i] = Math.round(values[i]! * inverse) + OFFSET;
    quants.fill(OFFSET, first + end, first + at + KERNEL_BLOCK);
  }
}

/**
 * Lays a matrix out as `wasm/product.ts` reads it. `order` gives the matrix's row at each place, -1 for a row of zeros; its length is a multiple of 4.
 *
 * Shapes: to [places / 4, columns / 32, 80 or 144 bytes].
 *
 * Complexity: scales of 4-bit blocks below 2^-14 are subnormal halves, which processors multiply slowly: a step whose scales are all such took 11 times as
 * long as one with none (x64, one thread). SmolLM2's Q4_1 file has none in its 3.3 million blocks.
 */
export function layOutMatrix(matrix: BlockMatrix, order: Int32Array, to: Uint8Array): void {
  const { bits, columns, quants } = matrix;
  const blocks = columns / KERNEL_BLOCK;
  const half = KERNEL_BLOCK / 2;
  const view = new DataView(to.buffer, to.byteOffset, to.byteLength);
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!;
    if (row < 0) continue;
    const within = place % KERNEL_GROUP;
    for (let block = 0; block < blocks; block++) {
      const at = (((place - within) / KERNEL_GROUP) * blocks + block) * BLOCK_BYTES[bits];
      const from = row * columns + block * KERNEL_BLOCK;
      for (let i = 0; i < half; i++) {
        const low = quants[from + i]!;
        const high = quants[from + half + i]!;
        const byte = at + (i >> 2) * 16 + within * 4 + (i & 3);
        if (bits === 4) to[byte] = low | (high << 4);
        else {
          to[byte] = (low >> 4) | (high & 0xf0);
          to[byte + PLANE_BYTES] = (low & 15) | ((high & 15) << 4);
        }
      }
      const scale = matrix.scales[row * blocks + block]!;
      if (bits === 4) {
        view.setUint16(at + PLANE_BYTES + within * 2, halfBits(scale), true);
        view.setUint16(at + PLANE_BYTES + (KERNEL_GROUP + within) * 2, halfBits(matrix.offsets[row * blocks + block]!), true);
      } else view.setFloat32(at + 2 * PLANE_BYTES + within * 4, scale, true);
    }
  }
}

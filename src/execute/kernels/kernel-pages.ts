import { BLOCK_TOKENS } from "../../state/block.ts";
import type { PageStore } from "../drivers/shared/page-pool.ts";
import { padded } from "./kernel-memory.ts";

/** Heads are padded to a multiple of so many columns; values of as many lie in pairs (`wasm/kept.ts`). */
export const KERNEL_PAIRS = 8;
const HALF_PAIRS = KERNEL_PAIRS / 2;
/** Levels of the largest value of a key's head; largest values below the least are taken for zeros. */
const KEY_LEVELS = 127;
const LEAST = 1e-30;

export interface KernelPageShape {
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Bytes of a page of one layer: keys [KV heads, 64 tokens, head dim] in 8 bits with a scale a token and head; values the same in bf16. */
export function kernelPageBytes({ kvHeads, headDim }: KernelPageShape): { readonly keys: number; readonly values: number } {
  const columns = padded(headDim, KERNEL_PAIRS);
  const heads = kvHeads * BLOCK_TOKENS;
  return { keys: heads * (columns + 4), values: heads * columns * 2 };
}

/** The pages of a stage in the kernels' memory: those of each layer and kind behind each other from its address on. */
export function kernelPages(memory: SharedArrayBuffer, addresses: readonly number[], shape: KernelPageShape): PageStore {
  const { kvHeads, headDim } = shape;
  const bytes = kernelPageBytes(shape);
  const columns = padded(headDim, KERNEL_PAIRS);
  const keyHead = bytes.keys / kvHeads;
  const head = new Float32Array(columns);
  const bits = new Uint32Array(head.buffer);
  /** Each head of a page of keys: bytes and scales of its tokens. */
  const keysOf = (buffer: number, page: number, each: (quants: Int8Array, scales: Float32Array, first: number) => void): void => {
    for (let kv = 0; kv < kvHeads; kv++) {
      const at = addresses[buffer]! + page * bytes.keys + kv * keyHead;
      const scales = new Float32Array(memory, at + BLOCK_TOKENS * columns, BLOCK_TOKENS);
      each(new Int8Array(memory, at, BLOCK_TOKENS * columns), scales, kv * BLOCK_TOKENS * headDim);
    }
  };
  const wordsOf = (buffer: number, page: number): Uint32Array =>
    new Uint32Array(memory, addresses[buffer]! + page * bytes.values, bytes.values / 4);
  const putValues = (words: Uint32Array, values: Float32Array): void => {
    for (let row = 0, at = 0; row < kvHeads * BLOCK_TOKENS; row++) {
      for (let i = 0; i < headDim; i++) head[i] = values[row * headDim + i]!;
      for (let i = 0; i < columns; i += KERNEL_PAIRS) {
        for (let j = i; j < i + HALF_PAIRS; j++) words[at++] = (nearest(bits[j]!) >>> 16) | (nearest(bits[j + HALF_PAIRS]!) & 0xffff0000);
      }
    }
  };
  const readValues = (words: Uint32Array, to: Float32Array): void => {
    for (let row = 0, at = 0; row < kvHeads * BLOCK_TOKENS; row++) {
      for (let i = 0; i < columns; i += KERNEL_PAIRS) {
        for (let j = i; j < i + HALF_PAIRS; j++) {
          const word = words[at++]!;
          bits[j] = word << 16;
          bits[j + HALF_PAIRS] = word & 0xffff0000;
        }
      }
      for (let i = 0; i < headDim; i++) to[row * headDim + i] = head[i]!;
    }
  };
  return {
    buffers: addresses.length,
    bytes: bytes.keys + bytes.values,
    put: (buffer, page, values) => {
      if (buffer % 2 === 1) putValues(wordsOf(buffer, page), values);
      else
        keysOf(buffer, page, (quants, scales, first) => {
          for (let token = 0; token < BLOCK_TOKENS; token++) {
            const from = first + token * headDim;
            let largest = 0;
            for (let i = from; i < from + headDim; i++) largest = Math.max(largest, Math.abs(values[i]!));
            const scale = largest < LEAST ? 0 : upTo17Bits(largest / KEY_LEVELS);
            const inverse = scale > 0 ? 1 / scale : 0;
            scales[token] = scale;
            for (let i = 0; i < headDim; i++) quants[token * columns + i] = Math.round(values[from + i]! * inverse);
          }
        });
    },
    read: (buffer, page, to) => {
      if (buffer % 2 === 1) readValues(wordsOf(buffer, page), to);
      else
        keysOf(buffer, page, (quants, scales, first) => {
          for (let token = 0; token < BLOCK_TOKENS; token++) {
            for (let i = 0; i < headDim; i++) to[first + token * headDim + i] = quants[token * columns + i]! * scales[token]!;
          }
        });
    },
  };
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** Rounded up to 17 bits, as the kernels round scales of keys: their products with integers are exact, and rounded anew become the same. */
function upTo17Bits(value: number): number {
  float[0] = value;
  floatBits[0] = (floatBits[0]! + 127) & ~127;
  return float[0];
}

/** Bits of an f32 of which the higher half is the nearest bf16, ties to even; the kernels round so too. */
function nearest(bits: number): number {
  return bits + 0x7fff + ((bits >>> 16) & 1);
}

import { KERNEL_PAIRS, kernelPageBytes } from "../../plan/kernel-stages.ts";
import { BLOCK_TOKENS } from "../../state/block.ts";
import type { PageStore } from "../drivers/shared/page-pool.ts";
import { padded } from "./kernel-memory.ts";
import type { KernelExports } from "./kernel-module.ts";
import type { SharedMemory } from "./web-assembly.ts";

const HALF_PAIRS = KERNEL_PAIRS / 2;

interface KernelPageShape {
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Bytes of a page of one layer's keys or values as they come, in f32, heads padded. */
export function loosePageBytes({ kvHeads, headDim }: KernelPageShape): number {
  return kvHeads * BLOCK_TOKENS * padded(headDim, KERNEL_PAIRS) * Float32Array.BYTES_PER_ELEMENT;
}

/** Where the pages of a stage lie in the kernels' memory: those of each layer and kind behind each other from its address on; a page that comes, at `loose`. */
export interface KernelPagePlaces {
  readonly addresses: readonly number[];
  readonly loose: number;
}

/** The pages of a stage. What is put is rounded by the kernels themselves: a prompt of 640 tokens is as many pages as take 35 ms in JavaScript. */
export function kernelPages(
  { buffer: memory }: SharedMemory,
  exports: Pick<KernelExports, "keepKeys" | "keepValues">,
  { addresses, loose }: KernelPagePlaces,
  shape: KernelPageShape,
): PageStore {
  const { kvHeads, headDim } = shape;
  const bytes = kernelPageBytes(shape);
  const columns = padded(headDim, KERNEL_PAIRS);
  const rows = kvHeads * BLOCK_TOKENS;
  const come = new Float32Array(memory, loose, rows * columns);
  const addressOf = (buffer: number, page: number): number => addresses[buffer]! + page * (buffer % 2 === 0 ? bytes.keys : bytes.values);
  const readKeys = (from: number, to: Float32Array): void => {
    for (let kv = 0; kv < kvHeads; kv++) {
      const at = from + kv * (bytes.keys / kvHeads);
      const quants = new Int8Array(memory, at, BLOCK_TOKENS * columns);
      const scales = new Float32Array(memory, at + BLOCK_TOKENS * columns, BLOCK_TOKENS);
      const first = kv * BLOCK_TOKENS * headDim;
      for (let token = 0; token < BLOCK_TOKENS; token++) {
        for (let i = 0; i < headDim; i++) to[first + token * headDim + i] = quants[token * columns + i]! * scales[token]!;
      }
    }
  };
  const head = new Float32Array(columns);
  const bits = new Uint32Array(head.buffer);
  const readValues = (words: Uint32Array, to: Float32Array): void => {
    for (let row = 0, at = 0; row < rows; row++) {
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
  const put = (buffer: number, page: number, values: Float32Array, apart: { readonly heads: number; readonly tokens: number }): void => {
    if (columns === headDim) come.set(values);
    // What pads the heads stays zero.
    else for (let row = 0; row < rows; row++) come.set(values.subarray(row * headDim, (row + 1) * headDim), row * columns);
    const keep = buffer % 2 === 0 ? exports.keepKeys : exports.keepValues;
    const rowBytes = columns * Float32Array.BYTES_PER_ELEMENT;
    keep(loose, addressOf(buffer, page), kvHeads, BLOCK_TOKENS, columns, apart.heads * rowBytes, apart.tokens * rowBytes);
  };
  return {
    buffers: addresses.length,
    bytes: bytes.keys + bytes.values,
    put: (buffer, page, values) => put(buffer, page, values, { heads: BLOCK_TOKENS, tokens: 1 }),
    putTokens: (buffer, page, values) => put(buffer, page, values, { heads: 1, tokens: kvHeads }),
    read: (buffer, page, to) => {
      const from = addressOf(buffer, page);
      if (buffer % 2 === 0) readKeys(from, to);
      else readValues(new Uint32Array(memory, from, bytes.values / 4), to);
    },
    held: (buffer, page) => new Uint8Array(memory, addressOf(buffer, page), buffer % 2 === 0 ? bytes.keys : bytes.values),
  };
}

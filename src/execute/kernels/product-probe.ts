import type { ProbeShape, ProductProbe } from "../drivers/shared/decode-kernels.ts";
import { PHASE_COUNT, PHASE_STRIDE, PHASE_TABLE, STEP_ROWS, THREAD_ROOM, THREAD_ROOM_STRIDE } from "./kernel-control.ts";
import { createKernelMemory, createKernelSpace, padded } from "./kernel-memory.ts";
import { type KernelPhase, RECORD_BYTES, shareOut, writeProgram } from "./kernel-program.ts";
import { createKernelTeam } from "./kernel-team.ts";
import { ACTIVATION_BYTES, KERNEL_BLOCK, KERNEL_GROUP, kernelMatrixBytes } from "./kernel-weights.ts";
import { askLargePages } from "./large-pages.ts";
import { productShare } from "./layer-phases.ts";

/** A byte of weights and activations, and of weights' scales in f16 or f32: small normal numbers, all of them. */
const FILLING = 0x11;
/** Scale of activations, as the kernels keep it (times 2^64): with one, no product of scales is subnormal, which would take cores far longer. */
const SCALE = 1e17;

/** Weights of all products together: more than second-level caches hold. */
const WEIGHT_BYTES = 48e6;
const PRODUCTS = { least: 4, most: 64 };

/**
 * A product of any value, many times in one step and each time on weights of its own: as a stage does it, whose weights are in memory and whose threads are
 * awake.
 *
 * Errors: as `loadKernelStage`.
 */
export async function createProductProbe({ n, k, threads, bits, maxRows }: ProbeShape): Promise<ProductProbe> {
  const space = createKernelSpace();
  const columns = padded(k, KERNEL_BLOCK);
  const outputs = padded(n, KERNEL_GROUP);
  const bytes = kernelMatrixBytes(outputs, columns, bits);
  const products = Math.min(Math.max(Math.ceil(WEIGHT_BYTES / bytes), PRODUCTS.least), PRODUCTS.most);
  const weights = Array.from({ length: products }, () => space.take(bytes));
  const rowBytes = columns * ACTIVATION_BYTES;
  const activations = space.take(maxRows * rowBytes);
  const apart = outputs * Float32Array.BYTES_PER_ELEMENT;
  const to = space.take(maxRows * apart);
  const roomStride = padded(2 * maxRows * KERNEL_GROUP * Float32Array.BYTES_PER_ELEMENT, 128);
  const room = space.take(threads * roomStride);
  const table = space.take(products * RECORD_BYTES);
  const memory = createKernelMemory(space.bytes, `a product of ${n} x ${k}`);
  await askLargePages(memory);
  const { buffer } = memory;
  for (const at of weights) new Uint8Array(buffer, at, bytes).fill(FILLING);
  for (let row = activations; row < activations + maxRows * rowBytes; row += rowBytes) {
    for (let block = row; block < row + rowBytes; block += ACTIVATION_BYTES * KERNEL_BLOCK) {
      new Uint8Array(buffer, block, 4 * KERNEL_BLOCK).fill(FILLING);
      new Float32Array(buffer, block + 4 * KERNEL_BLOCK, 8).fill(SCALE);
    }
  }
  const share = productShare(threads, outputs, KERNEL_GROUP);
  const phases = weights.map((at): KernelPhase => {
    const matrix = { weights: at, bits, outputs, columns };
    return { kind: "product", matrix, activations, mode: "store", to, apart, bias: 0, share };
  });
  writeProgram(buffer, table, phases);
  const words = new Uint32Array(buffer);
  words[PHASE_COUNT / 4] = products;
  words[PHASE_TABLE / 4] = table;
  words[PHASE_STRIDE / 4] = RECORD_BYTES;
  words[THREAD_ROOM / 4] = room;
  words[THREAD_ROOM_STRIDE / 4] = roomStride;
  const team = await createKernelTeam({ threads, memory });
  return {
    products,
    run: (rows) => {
      words[STEP_ROWS / 4] = rows;
      phases.forEach((phase, i) => {
        shareOut(words, (table + i * RECORD_BYTES) / 4, phase, { rows, kept: false });
      });
      team.run();
    },
    release: () => team.release(),
  };
}

/** Entry of the kernels: threads run one step's program together, phase after phase. */
import { attend, keep } from "./attend";
import { begin, chunkOf, claim, finish, phaseAt, phaseOf, STEP_DONE } from "./claim";
import { exponential } from "./exponential";
import { NORMED_ROOM, STEP_ROWS, THREAD_ROOM, THREAD_ROOM_STRIDE } from "../kernel-control";
import { keepKeys, keepValues } from "./kept";
import { KIND_ATTEND, KIND_KEEP, KIND_PRODUCT, KIND_QUANTISE } from "./layout";
import { BLOCK_BYTES_4, BLOCK_BYTES_8, groupOfRows } from "./product";
import { normRow, quantiseBlock, quantiseRow, rowBytes } from "./quantise";

export { begin, keepKeys, keepValues };

/** What a product does with its outputs. */
const STORE: i32 = 0;
const ADD: i32 = 1;
const GATE: i32 = 2;

/** Works on the step under way until it is done. All threads run it at once; `thread` is 0 for the owner. */
export function step(thread: i32): void {
  while (true) {
    const claimed = claim();
    if (claimed == STEP_DONE) return;
    run(phaseAt(phaseOf(claimed)), chunkOf(claimed), thread, claimed - <u64>chunkOf(claimed));
    finish(claimed);
  }
}

function run(record: usize, chunk: i32, thread: i32, phase: u64): void {
  const kind = load<i32>(record, 4);
  if (kind == KIND_PRODUCT) product(record, chunk, thread, phase);
  else if (kind == KIND_ATTEND) attend(record, chunk, thread);
  else if (kind == KIND_KEEP) keep(record, chunk, thread);
  else {
    const columns = load<i32>(record, 20);
    const width = load<i32>(record, 16);
    const from = load<usize>(record, 8) + <usize>chunk * load<usize>(record, 12);
    const to = load<usize>(record, 24) + <usize>chunk * rowBytes(columns);
    const room = load<usize>(THREAD_ROOM) + <usize>thread * load<usize>(THREAD_ROOM_STRIDE);
    if (kind == KIND_QUANTISE) {
      memory.copy(room, from, <usize>(width << 2));
      memory.fill(room + <usize>(width << 2), 0, <usize>((columns - width) << 2));
    } else normRow(from, load<usize>(record, 28), room, width, columns, load<f32>(record, 32));
    quantiseRow(room, to, columns);
  }
}

/** Which phase's rows this thread has normed into its own room. */
let normed: u64 = 0;

/**
 * Where a product's rows are in int8. With few rows each thread norms them itself, once a phase: that takes about a microsecond, no more than to wait
 * for another thread.
 */
function activationsOf(record: usize, thread: i32, phase: u64): usize {
  if (load<i32>(record, 64) == 0) return load<usize>(record, 24);
  const room = load<usize>(THREAD_ROOM) + <usize>thread * load<usize>(THREAD_ROOM_STRIDE);
  const to = room + load<usize>(NORMED_ROOM);
  if (normed == phase) return to;
  const columns = load<i32>(record, 20);
  const width = load<i32>(record, 56);
  for (let row = 0; row < load<i32>(STEP_ROWS); row++) {
    normRow(load<usize>(record, 52) + <usize>(row * width * 4), load<usize>(record, 28), room, width, columns, load<f32>(record, 60));
    quantiseRow(room, to + <usize>row * rowBytes(columns), columns);
  }
  normed = phase;
  return to;
}

/** Rows that meet a chunk's weights together, so that their activations stay in a first- or second-level cache from one group of outputs to the next. */
const TILE: i32 = 16;

/** A chunk of a product: `share` outputs, in groups of four, for all rows. */
function product(record: usize, chunk: i32, thread: i32, phase: u64): void {
  const weights = load<usize>(record, 8);
  const outputs = load<i32>(record, 12);
  const share = load<i32>(record, 16);
  const columns = load<i32>(record, 20);
  const activations = activationsOf(record, thread, phase);
  const bits = load<i32>(record, 32);
  const mode = load<i32>(record, 36);
  const to = load<usize>(record, 40);
  const apart = load<usize>(record, 44);
  const rows = load<i32>(STEP_ROWS);
  const stride = rowBytes(columns);
  const totals = load<usize>(THREAD_ROOM) + <usize>thread * load<usize>(THREAD_ROOM_STRIDE);
  const groupBytes = <usize>(columns >> 5) * (bits == 4 ? BLOCK_BYTES_4 : BLOCK_BYTES_8);
  const from = chunk * share;
  const end = min(from + share, outputs);
  if (mode == GATE) {
    for (let first = 0; first < rows; first += TILE) gated(record, activations, from, end, thread, first, min(rows - first, TILE));
    return;
  }
  const bias = load<usize>(record, 48);
  for (let first = 0; first < rows; first += TILE) {
    const count = min(rows - first, TILE);
    const a = activations + <usize>first * stride;
    for (let output = from; output < end; output += 4) {
      const group = <usize>(output >> 2);
      groupOfRows(weights + group * groupBytes, bits, a, columns, count, stride, totals, totals + <usize>(count << 4));
      let at = to + <usize>(output << 2) + <usize>first * apart;
      for (let r = 0; r < count; r++) {
        let y = v128.load(totals + <usize>(r << 4));
        if (mode == ADD) y = f32x4.add(v128.load(at), y);
        else if (bias != 0) y = f32x4.add(y, v128.load(bias + <usize>(output << 2)));
        v128.store(at, y);
        at += apart;
      }
    }
  }
}

/** silu(gate)·up in int8 of `rows` rows from `row` on: groups of gate and up take turns in the weights; `share` and outputs count features and are multiples of 32. */
function gated(record: usize, activations: usize, from: i32, end: i32, thread: i32, row: i32, rows: i32): void {
  const weights = load<usize>(record, 8);
  const features = load<i32>(record, 12);
  const columns = load<i32>(record, 20);
  const bits = load<i32>(record, 32);
  const stride = rowBytes(columns);
  const out = rowBytes(features);
  const to = load<usize>(record, 40) + <usize>row * out;
  const a = activations + <usize>row * stride;
  const room = load<usize>(THREAD_ROOM) + <usize>thread * load<usize>(THREAD_ROOM_STRIDE);
  const totals = <usize>(rows << 4);
  const integers = room + totals * 2;
  const block = integers + totals;
  const groupBytes = <usize>(columns >> 5) * (bits == 4 ? BLOCK_BYTES_4 : BLOCK_BYTES_8);
  for (let first = from; first < end; first += 32) {
    for (let group = first >> 2; group < (first >> 2) + 8; group++) {
      const gate = <usize>(group << 1);
      groupOfRows(weights + gate * groupBytes, bits, a, columns, rows, stride, room, integers);
      groupOfRows(weights + (gate + 1) * groupBytes, bits, a, columns, rows, stride, room + totals, integers);
      for (let r = 0; r < rows; r++) {
        const g = v128.load(room + <usize>(r << 4));
        const up = v128.load(room + totals + <usize>(r << 4));
        const sigmoid = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exponential(f32x4.neg(g))));
        v128.store(block + <usize>(r << 7) + <usize>((group << 4) & 127), f32x4.mul(f32x4.mul(g, sigmoid), up));
      }
    }
    for (let r = 0; r < rows; r++) quantiseBlock(block + <usize>(r << 7), to + <usize>r * out, first >> 5);
  }
}

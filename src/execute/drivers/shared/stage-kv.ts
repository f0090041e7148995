import { assert } from "../../../base/assert.ts";
import type { DecoderSpec } from "../../../graph/decoder/spec.ts";
import { BLOCK_TOKENS, type SlotRef } from "../../../state/block.ts";
import { paddedPages } from "../../../state/lanes.ts";

/** Keys and values of one stage: working lanes and sealed blocks. Layout: per layer and kind one buffer [lanes, KV, P, D], f32. */
export interface StageKv {
  /** Number of lanes with room, and padded tokens per lane; both grow and shrink with what is open. */
  lanes: number;
  capacityTokens: number;
  /** Keys of layer i at 2i, values at 2i + 1. */
  buffers: Float32Array[];
  /** Tokens in each lane; -1 for a closed one. */
  readonly lengths: Int32Array;
  readonly sealed: Map<number, { readonly generation: number; readonly data: Float32Array }>;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

export function createStageKv(spec: DecoderSpec, layers: number, maxSequences: number): StageKv {
  const { kvHeads, headDim } = spec;
  return {
    lanes: 0,
    capacityTokens: 0,
    buffers: Array.from({ length: layers * 2 }, () => new Float32Array(0)),
    lengths: new Int32Array(maxSequences).fill(-1),
    sealed: new Map(),
    layers,
    kvHeads,
    headDim,
  };
}

export function closeStageLane(kv: StageKv, lane: number): void {
  assert(kv.lengths[lane]! >= 0, "an open lane is closed", { lane });
  kv.lengths[lane] = -1;
  // Attention costs what is laid out, not what is used: with nothing open the next sequence starts from no room instead of the longest one's.
  if (kv.lengths.every((length) => length < 0)) resize(kv, 0, 0);
}

/** Opens a lane with the given sealed blocks at its start. Errors: an assertion when a block is gone or of another generation. */
export function openStageLane(kv: StageKv, lane: number, gather: readonly SlotRef[]): void {
  assert(kv.lengths[lane] === -1, "a closed lane is opened", { lane });
  kv.lengths[lane] = 0;
  makeRoom(kv, lane, gather.length * BLOCK_TOKENS);
  gather.forEach((ref, block) => {
    const sealed = kv.sealed.get(ref.slot);
    assert(sealed !== undefined && sealed.generation === ref.generation, "a block is read in its generation", ref);
    copyBlock(kv, { lane, block, data: sealed.data, toLane: true });
  });
  kv.lengths[lane] = gather.length * BLOCK_TOKENS;
}

/** Copies a whole block of a lane into a slot, over whatever an earlier generation left there. */
export function sealStageBlock(kv: StageKv, lane: number, block: number, target: SlotRef): void {
  assert((block + 1) * BLOCK_TOKENS <= kv.lengths[lane]!, "a block is sealed when it is complete", { lane, block });
  const before = kv.sealed.get(target.slot);
  assert(before === undefined || before.generation < target.generation, "a slot is written once a generation", target);
  const data = before?.data ?? new Float32Array(kv.buffers.length * kv.kvHeads * BLOCK_TOKENS * kv.headDim);
  copyBlock(kv, { lane, block, data, toLane: false });
  kv.sealed.set(target.slot, { generation: target.generation, data });
}

/**
 * Makes room for `tokens` tokens in `lane`, keeping what all lanes hold. Room is laid out anew only when it is too small, and then for exactly
 * what is open: so it never exceeds what the engine counted at some instant, which is within the plan's pages.
 */
export function makeRoom(kv: StageKv, lane: number, tokens: number): void {
  if (lane < kv.lanes && tokens <= kv.capacityTokens) return;
  let lanes = lane + 1;
  let longest = tokens;
  for (let other = 0; other < kv.lanes; other++) {
    const length = kv.lengths[other]!;
    if (length < 0) continue;
    lanes = Math.max(lanes, other + 1);
    longest = Math.max(longest, length);
  }
  resize(kv, lanes, paddedPages(Math.ceil(longest / BLOCK_TOKENS)) * BLOCK_TOKENS);
}

/**
 * Appends new rows: token t of the row list goes to `lane` at its length. `source` holds, for every buffer, KV heads of D values per token.
 *
 * Shapes: source index of (buffer b, head h, token t) is ((b·heads + h)·stride + t)·D + offset.
 */
export function appendRows(
  kv: StageKv,
  lane: number,
  rows: { source: Float32Array; count: number; offset: number; bufferStride: number; headStride: number },
): void {
  const { source, count, offset, bufferStride, headStride } = rows;
  const { kvHeads, headDim, capacityTokens } = kv;
  const start = kv.lengths[lane]!;
  assert(start >= 0 && start + count <= capacityTokens, "appended rows fit the lane", { lane, start, count, capacityTokens });
  for (let b = 0; b < kv.buffers.length; b++) {
    const buffer = kv.buffers[b]!;
    for (let head = 0; head < kvHeads; head++) {
      const from = b * bufferStride + head * headStride + offset;
      const to = ((lane * kvHeads + head) * capacityTokens + start) * headDim;
      if (count === 1) for (let i = 0; i < headDim; i++) buffer[to + i] = source[from + i]!;
      else buffer.set(source.subarray(from, from + count * headDim), to);
    }
  }
  kv.lengths[lane] = start + count;
}

export function stageKvBytes(kv: StageKv): number {
  let bytes = 0;
  for (const buffer of kv.buffers) bytes += buffer.byteLength;
  for (const { data } of kv.sealed.values()) bytes += data.byteLength;
  return bytes;
}

function resize(kv: StageKv, lanes: number, capacityTokens: number): void {
  const { kvHeads, headDim } = kv;
  kv.buffers = kv.buffers.map((old) => {
    const buffer = new Float32Array(lanes * kvHeads * capacityTokens * headDim);
    const keep = Math.min(lanes, kv.lanes);
    for (let lane = 0; lane < keep; lane++) {
      const length = kv.lengths[lane]!;
      if (length <= 0) continue;
      for (let head = 0; head < kvHeads; head++) {
        const from = (lane * kvHeads + head) * kv.capacityTokens * headDim;
        buffer.set(old.subarray(from, from + length * headDim), (lane * kvHeads + head) * capacityTokens * headDim);
      }
    }
    return buffer;
  });
  kv.lanes = lanes;
  kv.capacityTokens = capacityTokens;
}

function copyBlock(kv: StageKv, copy: { lane: number; block: number; data: Float32Array; toLane: boolean }): void {
  const { kvHeads, headDim, capacityTokens } = kv;
  const size = BLOCK_TOKENS * headDim;
  let at = 0;
  for (const buffer of kv.buffers) {
    for (let head = 0; head < kvHeads; head++, at += size) {
      const place = ((copy.lane * kvHeads + head) * capacityTokens + copy.block * BLOCK_TOKENS) * headDim;
      if (copy.toLane) buffer.set(copy.data.subarray(at, at + size), place);
      else copy.data.set(buffer.subarray(place, place + size), at);
    }
  }
}

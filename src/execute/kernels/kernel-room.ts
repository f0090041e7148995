import type { DecoderSpec } from "../../graph/decoder/spec.ts";
import { KERNEL_PAIRS } from "../../plan/kernel-stages.ts";
import { BLOCK_TOKENS, pagesFor } from "../../state/block.ts";
import {
  NORMED_ROOM,
  SCORES_ROOM,
  STEP_PAGES,
  STEP_PAGES_STRIDE,
  STEP_POSITIONS,
  THREAD_ROOM,
  THREAD_ROOM_STRIDE,
} from "./kernel-control.ts";
import { type KernelSpace, padded } from "./kernel-memory.ts";
import { SELF_NORMED } from "./kernel-program.ts";
import { ACTIVATION_BYTES, KERNEL_BLOCK } from "./kernel-weights.ts";

/** Rows of logits made at once: what they take stays small beside the weights. */
export const HEAD_ROWS = 16;

const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** What the rows and threads of a step work in; addresses in bytes. */
export interface Room {
  readonly x: number;
  /** Rows in int8: of the residual stream, of what attention gives, of the feed-forward's features. */
  readonly activations: number;
  readonly attended: number;
  readonly features: number;
  readonly qkv: number;
  readonly mixed: number;
  readonly positions: number;
  readonly pageTable: number;
  readonly pagesStride: number;
  readonly room: number;
  readonly roomStride: number;
  readonly scores: number;
  /** Bytes from the start of a thread's room. */
  readonly normed: number;
}

export interface RoomRequest {
  readonly threads: number;
  readonly contextLimit: number;
  readonly maxRows: number;
}

export function placeRoom(spec: DecoderSpec, space: KernelSpace, { threads, contextLimit, maxRows }: RoomRequest): Room {
  const { width, heads, kvHeads, headDim, feedForward } = spec;
  const scores = padded(contextLimit, BLOCK_TOKENS);
  const pagesStride = pagesFor(contextLimit) * 4;
  const rows = Math.max(maxRows, HEAD_ROWS);
  const group = heads / kvHeads;
  const roomBytes = padded(
    Math.max(
      padded(Math.max(width, heads * headDim), KERNEL_BLOCK),
      group * (2 * padded(headDim, KERNEL_PAIRS) + 8 + scores),
      rows * (3 * 4 + KERNEL_BLOCK),
    ) * FLOAT,
    128,
  );
  const rowBytes = (columns: number): number => padded(columns, KERNEL_BLOCK) * ACTIVATION_BYTES;
  const inBytes = (columns: number): number => rows * rowBytes(columns);
  const roomStride = padded(roomBytes + SELF_NORMED * rowBytes(width), 128);
  return {
    x: space.take(rows * width * FLOAT),
    activations: space.take(inBytes(width)),
    attended: space.take(inBytes(heads * headDim)),
    features: space.take(inBytes(feedForward)),
    qkv: space.take(rows * padded((heads + 2 * kvHeads) * headDim, 4) * FLOAT),
    mixed: space.take((rows * heads * headDim + KERNEL_BLOCK) * FLOAT),
    positions: space.take(rows * 4),
    pageTable: space.take(rows * pagesStride),
    pagesStride,
    room: space.take(threads * roomStride),
    roomStride,
    scores,
    normed: roomBytes,
  };
}

/** Tells the kernels where it is. */
export function writeRoom(words: Uint32Array, room: Room): void {
  words[STEP_POSITIONS / 4] = room.positions;
  words[STEP_PAGES / 4] = room.pageTable;
  words[STEP_PAGES_STRIDE / 4] = room.pagesStride;
  words[THREAD_ROOM / 4] = room.room;
  words[THREAD_ROOM_STRIDE / 4] = room.roomStride;
  words[SCORES_ROOM / 4] = room.scores;
  words[NORMED_ROOM / 4] = room.normed;
}

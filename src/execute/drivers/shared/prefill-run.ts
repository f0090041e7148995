import { assert, must } from "../../../base/assert.ts";
import type { GraphDialect } from "../../../graph/lower/dialect.ts";
import type { Feed } from "./onnx-session.ts";
import { floatFeed, type PhaseSession, pastFeeds } from "./phase-session.ts";
import { type StageKv, stagingOf } from "./stage-kv.ts";

/** Added to a score that must not count; far below any real one, and finite in bf16 too. */
const MASKED = -1e30;

/** A chunk of a prompt: its lane, its tokens, and its first row in `x`. */
export interface PromptChunk {
  readonly lane: number;
  readonly count: number;
  readonly at: number;
}

/** One chunk of a prompt; its rows of `x` are overwritten with the residual stream after the stage. */
export async function runPrefill(
  phase: PhaseSession,
  kv: StageKv,
  work: { readonly chunk: PromptChunk; readonly x: Float32Array; readonly width: number },
): Promise<void> {
  const { chunk, width } = work;
  const x = work.x.subarray(chunk.at * width, (chunk.at + chunk.count) * width);
  const outputs = await phase.session.run({ x: floatFeed(x, [chunk.count, width]), ...promptFeeds(phase, kv, chunk) });
  x.set(must(outputs[phase.graph.xOut], "a stage returns the residual stream"));
  appendPrompt(kv, chunk, must(outputs[phase.graph.promptOut ?? ""], "a prompt's graph returns its keys and values"));
}

/** The past of a chunk's sequence, and where the chunk stands in it. */
export function promptFeeds(phase: PhaseSession, kv: StageKv, { lane, count }: PromptChunk): Record<string, Feed> {
  const { kvHeads, headDim } = kv.shape;
  const start = kv.lengths[lane]!;
  const { capacity, buffers } = stagingOf(kv, lane);
  assert(start + count <= capacity, "a prompt fits what its lane was opened for", { lane, start, count, capacity });
  const past = start === 0 ? 0 : capacity;
  const feeds = pastFeeds(phase, "prompt.", (b) => floatFeed(past === 0 ? new Float32Array(0) : buffers[b]!, [1, kvHeads, past, headDim]));
  return { ...feeds, ...chunkFeeds(phase.graph.dialect, { start, count, past }) };
}

/** A chunk of `count` tokens after `start`, with room for `past` of them laid before it. */
interface ChunkPlace {
  readonly start: number;
  readonly count: number;
  readonly past: number;
}

/** Where a chunk stands, as attention of the dialect wants to be told. */
export function chunkFeeds(dialect: GraphDialect, place: ChunkPlace): Record<string, Feed> {
  return dialect === "openvino" ? maskFeeds(place) : countFeeds(place.start, place.start + place.count);
}

function countFeeds(start: number, end: number): Record<string, Feed> {
  return {
    last_position: { type: "int32", data: Int32Array.of(end - 1), dims: [1] },
    total_tokens: { type: "int32", data: Int32Array.of(end), dims: [] },
    chunk_start: { type: "int64", data: BigInt64Array.of(BigInt(start)), dims: [1] },
    chunk_end: { type: "int64", data: BigInt64Array.of(BigInt(end)), dims: [1] },
  };
}

/** Row i of the chunk attends to the `start` tokens before the chunk, of `past` there is room for, and to the chunk's first i + 1. */
function maskFeeds({ start, count, past }: ChunkPlace): Record<string, Feed> {
  const width = past + count;
  const mask = new Float32Array(count * width).fill(MASKED);
  for (let row = 0; row < count; row++) {
    mask.fill(0, row * width, row * width + Math.min(start, past));
    mask.fill(0, row * width + past, row * width + past + row + 1);
  }
  const positions = BigInt64Array.from({ length: count }, (_, row) => BigInt(start + row));
  return { prompt_mask: floatFeed(mask, [count, width]), prompt_positions: { type: "int64", data: positions, dims: [1, count] } };
}

/** Writes a chunk's new keys and values, [buffer, KV, S, D], behind what its lane holds. */
export function appendPrompt(kv: StageKv, { lane, count }: PromptChunk, source: Float32Array): void {
  const { kvHeads, headDim } = kv.shape;
  const start = kv.lengths[lane]!;
  const { capacity, buffers } = stagingOf(kv, lane);
  const size = count * headDim;
  buffers.forEach((buffer, b) => {
    for (let head = 0; head < kvHeads; head++) {
      const from = (b * kvHeads + head) * size;
      buffer.set(source.subarray(from, from + size), (head * capacity + start) * headDim);
    }
  });
  kv.lengths[lane] = start + count;
}

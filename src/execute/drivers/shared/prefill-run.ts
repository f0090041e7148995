import { assert, must } from "../../../base/assert.ts";
import { copyTokens } from "./copy-tokens.ts";
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
  const start = kv.lengths[lane]!;
  const { capacity } = stagingOf(kv, lane);
  assert(start + count <= capacity, "a prompt fits what its lane was opened for", { lane, start, count, capacity });
  const past = pastTokens(kv, lane);
  const feeds = pastFeeds(phase, "prompt.", (b) => pastFeed(kv, lane, b));
  return { ...feeds, ...chunkFeeds({ start, count, past }) };
}

/** Tokens the graph is given: exactly those there are where they lie one behind another; else, of a lane that has any, all there is room for. */
function pastTokens(kv: StageKv, lane: number): number {
  const start = kv.lengths[lane]!;
  return start === 0 || kv.layout === "tokens" ? start : stagingOf(kv, lane).capacity;
}

function pastFeed(kv: StageKv, lane: number, buffer: number): Feed {
  const { kvHeads, headDim } = kv.shape;
  const tokens = pastTokens(kv, lane);
  const data = stagingOf(kv, lane).buffers[buffer]!.subarray(0, tokens * kvHeads * headDim);
  return floatFeed(data, kv.layout === "tokens" ? [1, tokens, kvHeads * headDim] : [1, kvHeads, tokens, headDim]);
}

/** A chunk of `count` tokens after `start`, with room for `past` of them laid before it. */
interface ChunkPlace {
  readonly start: number;
  readonly count: number;
  readonly past: number;
}

/** Where a chunk stands: row i of it attends to the `start` tokens before the chunk, of `past` there is room for, and to the chunk's first i + 1. */
export function chunkFeeds({ start, count, past }: ChunkPlace): Record<string, Feed> {
  const width = past + count;
  const mask = new Float32Array(count * width).fill(MASKED);
  for (let row = 0; row < count; row++) {
    mask.fill(0, row * width, row * width + Math.min(start, past));
    mask.fill(0, row * width + past, row * width + past + row + 1);
  }
  const positions = BigInt64Array.from({ length: count }, (_, row) => BigInt(start + row));
  return { prompt_mask: floatFeed(mask, [count, width]), prompt_positions: { type: "int64", data: positions, dims: [1, count] } };
}

/** Writes a chunk's new keys and values, a buffer behind another as they lie in the staging, behind what its lane holds. */
export function appendPrompt(kv: StageKv, { lane, count }: PromptChunk, source: Float32Array): void {
  const { layout, shape } = kv;
  const { kvHeads, headDim } = shape;
  const start = kv.lengths[lane]!;
  const { capacity, buffers } = stagingOf(kv, lane);
  buffers.forEach((data, b) => {
    const from = { data: source, layout, capacity: count, first: 0, offset: b * kvHeads * count * headDim };
    copyTokens(from, { data, layout, capacity, first: start, offset: 0 }, count, shape);
  });
  kv.lengths[lane] = start + count;
}

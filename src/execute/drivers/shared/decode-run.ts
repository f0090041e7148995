import { must } from "../../../base/assert.ts";
import { BLOCK_TOKENS } from "../../../state/block.ts";
import type { Feed } from "./onnx-session.ts";
import { compactPages, type PagePool, takePage } from "./page-pool.ts";
import { floatFeed, type PhaseSession, pastFeeds } from "./phase-session.ts";
import { type StageKv, toPages } from "./stage-kv.ts";

/** Added to a score that must not count; far below any real one, and its sum with another is still finite. */
const MASKED = -1e30;
/** Pages moved into holes in one step: what a step may take longer for it is a few percent. */
const MOVES_MAX = 2;

/** A row of a decode step: its lane, and its place in `x`. */
export interface DecodeRow {
  readonly lane: number;
  readonly at: number;
}

/** One decode step of many lanes; `x` is overwritten with the residual stream after the stage. */
export async function runDecode(
  phase: PhaseSession,
  kv: StageKv,
  work: { rows: readonly DecodeRow[]; x: Float32Array; width: number },
): Promise<void> {
  const { rows, width } = work;
  const { pool, shape } = kv;
  for (const { lane } of rows) toPages(kv, lane);
  compactPages(pool, MOVES_MAX);
  const x = new Float32Array(rows.length * width);
  const positions = new BigInt64Array(rows.length);
  rows.forEach(({ lane, at }, row) => {
    x.set(work.x.subarray(at * width, (at + 1) * width), row * width);
    positions[row] = BigInt(kv.lengths[lane]!);
  });
  const laid = pagesLaid(pool);
  const dims = [laid, shape.kvHeads, 1, BLOCK_TOKENS, shape.headDim];
  const outputs = await phase.session.run({
    x: floatFeed(x, [rows.length, width]),
    positions: { type: "int64", data: positions, dims: [rows.length, 1] },
    ...pageFeeds(kv, rows),
    ...pastFeeds(phase, (b) => floatFeed(pool.buffers[b]!.subarray(0, laid * pool.pageFloats), dims)),
  });
  const xOut = must(outputs[phase.graph.xOut], "a stage returns the residual stream");
  const source = must(outputs[phase.graph.kvOut], "a stage returns new keys and values");
  rows.forEach(({ at }, row) => {
    work.x.set(xOut.subarray(row * width, (row + 1) * width), at * width);
  });
  append(kv, rows, source);
}

/** Pages a run lays before the graph: one at least, which counts for nobody where no lane has a past. */
function pagesLaid(pool: PagePool): number {
  return Math.max(1, pool.used);
}

/** Which pages are whose, and which of their tokens count. Pages of lanes without a row, and free ones, count for nobody. */
function pageFeeds({ pool, lengths }: StageKv, rows: readonly DecodeRow[]): Record<string, Feed> {
  const used = pagesLaid(pool);
  const pageRows = new BigInt64Array(used);
  const pageMask = new Float32Array(used * BLOCK_TOKENS).fill(MASKED);
  const rowPages = new Float32Array(rows.length * used);
  const rowMask = new Float32Array(rows.length * used).fill(MASKED);
  rows.forEach(({ lane }, row) => {
    let left = lengths[lane]!;
    for (const page of pool.pages[lane]!) {
      pageRows[page] = BigInt(row);
      pageMask.fill(0, page * BLOCK_TOKENS, page * BLOCK_TOKENS + Math.min(left, BLOCK_TOKENS));
      rowPages[row * used + page] = 1;
      rowMask[row * used + page] = 0;
      left -= BLOCK_TOKENS;
    }
  });
  return {
    page_rows: { type: "int64", data: pageRows, dims: [used] },
    page_mask: floatFeed(pageMask, [used, 1, 1, 1, BLOCK_TOKENS]),
    row_pages: floatFeed(rowPages, [rows.length, used]),
    row_mask: floatFeed(rowMask, [rows.length, used, 1, 1, 1, 1]),
  };
}

/** Writes each row's new keys and values, [buffer, row, KV, D], behind what its lane holds. */
function append({ pool, lengths, shape }: StageKv, rows: readonly DecodeRow[], source: Float32Array): void {
  const { kvHeads, headDim } = shape;
  const token = kvHeads * headDim;
  rows.forEach(({ lane }, row) => {
    const length = lengths[lane]!;
    const place = length % BLOCK_TOKENS;
    const page = place === 0 ? takePage(pool, lane) : pool.pages[lane]!.at(-1)!;
    for (let b = 0; b < pool.buffers.length; b++) {
      const buffer = pool.buffers[b]!;
      const from = (b * rows.length + row) * token;
      const to = page * pool.pageFloats + place * headDim;
      for (let head = 0; head < kvHeads; head++) {
        for (let i = 0; i < headDim; i++) buffer[to + head * BLOCK_TOKENS * headDim + i] = source[from + head * headDim + i]!;
      }
    }
    lengths[lane] = length + 1;
  });
}

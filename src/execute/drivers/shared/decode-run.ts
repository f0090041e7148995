import { must } from "../../../base/assert.ts";
import { BLOCK_TOKENS } from "../../../state/block.ts";
import type { DecodeRow, DecodeWork } from "./decode-path.ts";
import type { Feed } from "./onnx-session.ts";
import { compactPages, type PagePool, takePage } from "./page-pool.ts";
import { floatFeed, type PhaseSession, pastFeeds } from "./phase-session.ts";
import { type StageKv, toPages } from "./stage-kv.ts";

/** Added to a score that must not count; far below any real one, and its sum with another is still finite. */
const MASKED = -1e30;
/** Pages moved into holes in one step: what a step may take longer for it is a few percent. */
const MOVES_MAX = 2;

/** One decode step of many lanes; `x` is overwritten with the residual stream after the stage. */
export async function runDecode(phase: PhaseSession, kv: StageKv, work: DecodeWork): Promise<void> {
  const { rows, width } = work;
  const feeds = decodeFeeds(phase, kv, rows);
  const outputs = await phase.session.run({ x: floatFeed(gatherRows(work), [rows.length, width]), ...feeds });
  scatterRows(work, must(outputs[phase.graph.xOut], "a stage returns the residual stream"));
  appendDecoded(kv, rows, must(outputs[phase.graph.decodedOut ?? ""], "a decoding graph returns keys and values"));
}

/** Moves the rows' lanes to their pages, where that is still to be done, and lays the pages before the graph; none for no rows. */
export function decodeFeeds(phase: PhaseSession, kv: StageKv, rows: readonly DecodeRow[]): Record<string, Feed> {
  const { pool, shape } = kv;
  for (const { lane } of rows) toPages(kv, lane);
  if (rows.length > 0) compactPages(pool, MOVES_MAX);
  const positions = BigInt64Array.from(rows, ({ lane }) => BigInt(kv.lengths[lane]!));
  const laid = pagesLaid(pool, rows);
  const dims = [laid, shape.kvHeads, 1, BLOCK_TOKENS, shape.headDim];
  return {
    positions: { type: "int64", data: positions, dims: [rows.length, 1] },
    ...pageFeeds(kv, rows),
    ...pastFeeds(phase, "", (b) => floatFeed(pool.buffers[b]!.subarray(0, laid * pool.pageFloats), dims)),
  };
}

/** The decoding rows of `x` side by side, with room for `more` rows behind them. */
export function gatherRows({ rows, x, width }: DecodeWork, more = 0): Float32Array {
  const gathered = new Float32Array((rows.length + more) * width);
  rows.forEach(({ at }, row) => {
    gathered.set(x.subarray(at * width, (at + 1) * width), row * width);
  });
  return gathered;
}

export function scatterRows({ rows, x, width }: DecodeWork, done: Float32Array): void {
  rows.forEach(({ at }, row) => {
    x.set(done.subarray(row * width, (row + 1) * width), at * width);
  });
}

/** Pages a run lays before the graph: for rows at least one, which counts for nobody where no lane has a past. */
function pagesLaid(pool: PagePool, rows: readonly DecodeRow[]): number {
  return rows.length === 0 ? 0 : Math.max(1, pool.used);
}

/** Which pages are whose, and which of their tokens count. Pages of lanes without a row, and free ones, count for nobody. */
function pageFeeds({ pool, lengths }: StageKv, rows: readonly DecodeRow[]): Record<string, Feed> {
  const used = pagesLaid(pool, rows);
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
export function appendDecoded({ pool, lengths, shape }: StageKv, rows: readonly DecodeRow[], source: Float32Array): void {
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

import { must } from "../../../base/assert.ts";
import { BLOCK_TOKENS } from "../../../state/block.ts";
import type { KernelRow, KernelStage } from "./decode-kernels.ts";
import type { DecodePath } from "./decode-path.ts";
import { gatherRows, scatterRows } from "./decode-run.ts";
import { takePage } from "./page-pool.ts";
import { type StageKv, toPages } from "./stage-kv.ts";

/** Decode steps and the head in heddle's own kernels. Working pages lie in their memory; holes among them cost nothing, so none are filled. */
export function kernelDecode(stage: KernelStage): DecodePath {
  return {
    pages: stage.pages,
    decode: async (kv, work) => {
      const rows = work.rows.map(({ lane }) => rowOf(kv, lane));
      const x = gatherRows(work);
      stage.decode(rows, x);
      scatterRows(work, x);
      for (const { lane } of work.rows) kv.lengths[lane]! += 1;
    },
    head: async (x, rows) => stage.head(x, rows),
    release: () => stage.release(),
  };
}

/** A lane in its pages, the last of which has room for one more token. */
function rowOf(kv: StageKv, lane: number): KernelRow {
  toPages(kv, lane);
  const position = kv.lengths[lane]!;
  if (position % BLOCK_TOKENS === 0) takePage(kv.pool, lane);
  return { position, pages: must(kv.pool.pages[lane], "a lane of the pool") };
}

import { must } from "../../../base/assert.ts";
import { pagesFor } from "../../../state/block.ts";
import type { KernelPart, KernelStage } from "./decode-kernels.ts";
import type { DecodePath, StepWork } from "./decode-path.ts";
import { gatherRows, scatterRows } from "./decode-run.ts";
import { takePage } from "./page-pool.ts";
import { type StageKv, toPages } from "./stage-kv.ts";

/** Decode steps and the head in heddle's own kernels. Working pages lie in their memory; holes among them cost nothing, so none are filled. */
export function kernelDecode(stage: KernelStage): DecodePath {
  return {
    pages: stage.pages,
    decode: async (kv, work) => {
      const parts = work.rows.map(({ lane }) => partOf(kv, lane, 1));
      const x = gatherRows(work);
      stage.step(parts, x);
      scatterRows(work, x);
      for (const { lane } of work.rows) kv.lengths[lane]! += 1;
    },
    head: async (x, rows) => stage.head(x, rows),
    release: () => stage.release(),
  };
}

/** As `kernelDecode`, and prompts as well: their rows are rows of the same steps, of at most `maxRows`. */
export function kernelSteps(stage: KernelStage, maxRows: number): DecodePath {
  return { ...kernelDecode(stage), step: async (kv, work) => runPasses(stage, kv, work, maxRows) };
}

/** All rows as they stand in `x`, as many at a time as there is room for: those before are done when a sequence goes on. */
function runPasses(stage: KernelStage, kv: StageKv, { rows, chunks, x, width }: StepWork, maxRows: number): void {
  const spans = [...rows.map((row) => ({ ...row, count: 1, prompt: false })), ...chunks.map((chunk) => ({ ...chunk, prompt: true }))].sort(
    (a, b) => a.at - b.at,
  );
  let parts: KernelPart[] = [];
  let from = 0;
  let end = 0;
  const pass = (): void => {
    if (end > from) stage.step(parts, x.subarray(from * width, end * width));
    parts = [];
    from = end;
  };
  for (const { lane, count, prompt } of spans) {
    for (let left = count; left > 0; ) {
      const taken = Math.min(left, from + maxRows - end);
      parts.push({ ...partOf(kv, lane, taken), prompt });
      kv.lengths[lane]! += taken;
      left -= taken;
      end += taken;
      if (end - from === maxRows) pass();
    }
  }
  pass();
}

/** The next tokens of a lane, in its pages, which have room for them. */
function partOf(kv: StageKv, lane: number, count: number): KernelPart {
  toPages(kv, lane);
  const position = kv.lengths[lane]!;
  const pages = must(kv.pool.pages[lane], "a lane of the pool");
  while (pages.length < pagesFor(position + count)) takePage(kv.pool, lane);
  return { position, count, pages };
}

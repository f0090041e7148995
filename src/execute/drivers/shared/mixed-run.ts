import { must } from "../../../base/assert.ts";
import type { DecodeRow } from "./decode-path.ts";
import { appendDecoded, decodeFeeds, gatherRows, scatterRows } from "./decode-run.ts";
import { floatFeed, type PhaseSession } from "./phase-session.ts";
import { appendPrompt, type PromptChunk, promptFeeds } from "./prefill-run.ts";
import type { StageKv } from "./stage-kv.ts";

/** A chunk of one prompt, and a decode step of many lanes or none, in one run; `x` is overwritten with the residual stream after the stage. */
export async function runMixed(
  phase: PhaseSession,
  kv: StageKv,
  work: { readonly rows: readonly DecodeRow[]; readonly chunk: PromptChunk; readonly x: Float32Array; readonly width: number },
): Promise<void> {
  const { rows, chunk, width } = work;
  const together = gatherRows(work, chunk.count);
  const x = work.x.subarray(chunk.at * width, (chunk.at + chunk.count) * width);
  const split = rows.length * width;
  together.set(x, split);
  const outputs = await phase.session.run({
    x: floatFeed(together, [rows.length + chunk.count, width]),
    row_split: { type: "int64", data: BigInt64Array.of(BigInt(rows.length), BigInt(chunk.count)), dims: [2] },
    ...decodeFeeds(phase, kv, rows),
    ...promptFeeds(phase, kv, chunk),
  });
  const done = must(outputs[phase.graph.xOut], "a stage returns the residual stream");
  scatterRows(work, done);
  x.set(done.subarray(split));
  appendDecoded(kv, rows, must(outputs[phase.graph.decodedOut ?? ""], "a mixed graph returns what was decoded"));
  appendPrompt(kv, chunk, must(outputs[phase.graph.promptOut ?? ""], "a mixed graph returns the prompt's keys and values"));
}

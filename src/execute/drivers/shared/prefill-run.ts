import { assert, must } from "../../../base/assert.ts";
import type { Feed } from "./onnx-session.ts";
import { floatFeed, type PhaseSession, pastFeeds } from "./phase-session.ts";
import { type StageKv, stagingOf } from "./stage-kv.ts";

/** One chunk of a prompt; `x` is overwritten with the residual stream after the stage. */
export async function runPrefill(
  phase: PhaseSession,
  kv: StageKv,
  work: { lane: number; count: number; x: Float32Array; width: number },
): Promise<void> {
  const { lane, count, width } = work;
  const { kvHeads, headDim } = kv.shape;
  const start = kv.lengths[lane]!;
  const { capacity, buffers } = stagingOf(kv, lane);
  assert(start + count <= capacity, "a prompt fits what its lane was opened for", { lane, start, count, capacity });
  const past = start === 0 ? 0 : capacity;
  const end = start + count;
  const feeds: Record<string, Feed> = {
    x: floatFeed(work.x, [count, width]),
    last_position: { type: "int32", data: Int32Array.of(end - 1), dims: [1] },
    total_tokens: { type: "int32", data: Int32Array.of(end), dims: [] },
    chunk_start: { type: "int64", data: BigInt64Array.of(BigInt(start)), dims: [1] },
    chunk_end: { type: "int64", data: BigInt64Array.of(BigInt(end)), dims: [1] },
    ...pastFeeds(phase, (b) => floatFeed(past === 0 ? new Float32Array(0) : buffers[b]!, [1, kvHeads, past, headDim])),
  };
  const outputs = await phase.session.run(feeds);
  work.x.set(must(outputs[phase.graph.xOut], "a stage returns the residual stream"));
  const source = must(outputs[phase.graph.kvOut], "a stage returns new keys and values");
  const size = count * headDim;
  buffers.forEach((buffer, b) => {
    for (let head = 0; head < kvHeads; head++) {
      const from = (b * kvHeads + head) * size;
      buffer.set(source.subarray(from, from + size), (head * capacity + start) * headDim);
    }
  });
  kv.lengths[lane] = end;
}

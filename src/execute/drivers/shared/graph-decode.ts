import { must } from "../../../base/assert.ts";
import type { DecoderModel } from "../../../graph/decoder/model.ts";
import type { PackedWeights } from "../../../graph/lower/packed-weights.ts";
import { lowerHead, lowerStage, type StageRange } from "../../../graph/lower/stage-graph.ts";
import type { DecodePath } from "./decode-path.ts";
import { runDecode } from "./decode-run.ts";
import { type OnnxRuntime, precisionOf } from "./onnx-session.ts";
import { floatFeed, loadPhase } from "./phase-session.ts";

/** Decode steps and the head as two graphs of a runtime. */
export async function graphDecode(
  runtime: OnnxRuntime,
  { spec, weights }: DecoderModel,
  { range, packed, threads }: { readonly range: StageRange; readonly packed: PackedWeights; readonly threads: number },
): Promise<DecodePath> {
  const { format, dialect } = range;
  const graph = lowerStage(spec, weights, { ...range, phase: "decode" }, packed);
  const phase = await loadPhase(runtime, graph, { format, threads, manyRows: false });
  const lowered = range.toLayer === spec.layers ? lowerHead(spec, weights, format, dialect) : undefined;
  const head = lowered && {
    logits: lowered.logits,
    session: await runtime.createSession(lowered.model, { threads, precision: precisionOf(format) }),
  };
  return {
    decode: (kv, work) => runDecode(phase, kv, work),
    head: async (x, rows) => {
      const { logits, session } = must(head, "the last stage has the head");
      return must((await session.run({ x: floatFeed(x, [rows, spec.width]) }))[logits], "the head gives logits");
    },
    release: async () => {
      await phase.session.release();
      await head?.session.release();
    },
  };
}

import { assert } from "../../../base/assert.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import { mixesPhases, type StageFormat } from "../../../cost/stage-format.ts";
import type { StepRow, StepTask } from "../../../engine/replica-engine-types.ts";
import type { DecoderModel } from "../../../graph/decoder/model.ts";
import type { WeightTensor } from "../../../graph/decoder/weights.ts";
import type { GraphFormat } from "../../../graph/lower/compute-format.ts";
import { createPackedWeights } from "../../../graph/lower/packed-weights.ts";
import { lowerHead, lowerStage, type StageGraph } from "../../../graph/lower/stage-graph.ts";
import type { StagePlan } from "../../../plan/plan.ts";
import { BLOCK_TOKENS } from "../../../state/block.ts";
import type { LoadedStage, StageLimits, StageOutput } from "../../stage-driver.ts";
import { type DecodeRow, runDecode } from "./decode-run.ts";
import { embedTokens } from "./embedding.ts";
import { runMixed } from "./mixed-run.ts";
import { type OnnxRuntime, type OnnxSession, precisionOf } from "./onnx-session.ts";
import type { PhaseSession } from "./phase-session.ts";
import { type PromptChunk, runPrefill } from "./prefill-run.ts";
import { rotationTables } from "./rotations.ts";
import { closeStageLane, createStageKv, openStageLane, type StageKv, sealStageBlock, stageKvBytes } from "./stage-kv.ts";

interface Stage {
  readonly kv: StageKv;
  readonly width: number;
  readonly decode: PhaseSession;
  readonly prompt: PhaseSession;
  /** A prompt's graph takes decoding rows as well: both phases have one weight format. */
  readonly mixes: boolean;
  /** Only in the first stage. */
  readonly embedding: WeightTensor | undefined;
  /** Only in the last stage. */
  readonly head: { readonly session: OnnxSession; readonly logits: string; readonly vocabulary: number } | undefined;
}

/** Loads a stage on an ONNX Runtime: one graph a phase, the head apart, the embedding looked up here. */
export async function loadOnnxStage(
  runtime: OnnxRuntime,
  model: DecoderModel,
  request: { stage: StagePlan; limits: StageLimits },
): Promise<LoadedStage> {
  const { spec, weights } = model;
  const { stage: plan, limits } = request;
  const { fromLayer, toLayer, threads } = plan;
  const rotations = rotationTables(spec.rope, limits.contextLimit);
  const load = async (format: GraphFormat, { model: lowered, ...graph }: StageGraph): Promise<PhaseSession> => ({
    graph,
    session: await runtime.createSession(lowered, { threads, precision: precisionOf(format) }),
  });
  const prefillFormat = computed(runtime, plan, plan.prefillFormat);
  const decodeFormat = computed(runtime, plan, plan.decodeFormat);
  const { dialect = "onnxruntime" } = runtime;
  const range = { fromLayer, toLayer, rotations, pageTokens: BLOCK_TOKENS, dialect };
  const mixes = mixesPhases(plan);
  const packed = createPackedWeights();
  const forPrompt = prefillFormat === decodeFormat ? packed : createPackedWeights();
  const decode = await load(decodeFormat, lowerStage(spec, weights, { ...range, phase: "decode", format: decodeFormat }, packed));
  const phase = mixes ? "mixed" : "prefill";
  const prompt = await load(prefillFormat, lowerStage(spec, weights, { ...range, phase, format: prefillFormat }, forPrompt));
  const last = toLayer === spec.layers;
  const head = last ? lowerHead(spec, weights, decodeFormat, dialect) : undefined;
  const stage: Stage = {
    kv: createStageKv(spec, toLayer - fromLayer, limits),
    width: spec.width,
    decode,
    prompt,
    mixes,
    embedding: fromLayer === 0 ? weights.read("embedding") : undefined,
    head: head && {
      session: await runtime.createSession(head.model, { threads, precision: precisionOf(decodeFormat) }),
      logits: head.logits,
      vocabulary: spec.vocabulary,
    },
  };
  return {
    run: (step, input) => runStep(stage, step, input),
    kvBytes: () => stageKvBytes(stage.kv),
    release: async () => {
      await decode.session.release();
      await prompt.session.release();
      await stage.head?.session.release();
    },
  };
}

/** Errors: `plan-invalid` for a format the runtime does not compute in. */
function computed({ formats }: OnnxRuntime, plan: StagePlan, format: StageFormat): GraphFormat {
  const known = formats.find((one) => one === format);
  if (known !== undefined) return known;
  const given = format === "file" ? "the file's format" : format;
  throw new HeddleError("plan-invalid", {
    where: plan.device,
    detail: `${plan.driver} computes in ${formats.join(", ")}, not in ${given}`,
  });
}

async function runStep(stage: Stage, step: StepTask, input: Int32Array | Float32Array): Promise<StageOutput> {
  const startedAt = performance.now();
  const { kv } = stage;
  for (const lane of step.closes) closeStageLane(kv, lane);
  for (const open of step.opens) openStageLane(kv, open);
  const tokens = step.rows.reduce((sum, row) => sum + row.count, 0);
  const x = residual(stage, input, tokens);
  try {
    await runRows(stage, step.rows, x);
  } catch (error) {
    throw new HeddleError("device-failed", { detail: error instanceof Error ? error.message : String(error), cause: error });
  }
  for (const seal of step.seals) sealStageBlock(kv, seal);
  const data = stage.head === undefined ? x : await logitsOf(stage, step.rows, x);
  return { data, busyNs: Math.round((performance.now() - startedAt) * 1e6) };
}

function residual(stage: Stage, input: Int32Array | Float32Array, tokens: number): Float32Array {
  if (stage.embedding !== undefined) {
    assert(input instanceof Int32Array && input.length === tokens, "the first stage takes one token id a row", { tokens });
    return embedTokens(stage.embedding, input);
  }
  assert(input instanceof Float32Array && input.length === tokens * stage.width, "a later stage takes the residual stream", { tokens });
  return input;
}

/** Computes all rows and writes the residual stream after this stage over `x`; decoding rows share a run with the first chunk of a prompt. */
async function runRows({ kv, width, decode, prompt, mixes }: Stage, step: readonly StepRow[], x: Float32Array): Promise<void> {
  const rows: DecodeRow[] = [];
  const chunks: PromptChunk[] = [];
  let at = 0;
  for (const row of step) {
    const { lane, count } = row;
    assert(kv.lengths[lane] === row.start, "a row starts where its lane ends", { row, length: kv.lengths[lane] });
    if (row.phase === "decode") rows.push({ lane, at });
    else chunks.push({ lane, count, at });
    at += count;
  }
  if (rows.length > 0 && (!mixes || chunks.length === 0)) await runDecode(decode, kv, { rows, x, width });
  for (const [index, chunk] of chunks.entries()) {
    if (mixes) await runMixed(prompt, kv, { rows: index === 0 ? rows : [], chunk, x, width });
    else await runPrefill(prompt, kv, { chunk, x, width });
  }
}

/** Logits of the last position of every row that asked for a sample. */
async function logitsOf(stage: Stage, rows: readonly StepRow[], x: Float32Array): Promise<Float32Array> {
  const { head, width } = stage;
  const sampled: number[] = [];
  let at = 0;
  for (const row of rows) {
    at += row.count;
    if (row.sample) sampled.push(at - 1);
  }
  if (head === undefined || sampled.length === 0) return new Float32Array(0);
  const picked = new Float32Array(sampled.length * width);
  sampled.forEach((row, i) => {
    picked.set(x.subarray(row * width, (row + 1) * width), i * width);
  });
  const outputs = await head.session.run({ x: { type: "float32", data: picked, dims: [sampled.length, width] } });
  return outputs[head.logits] ?? new Float32Array(0);
}

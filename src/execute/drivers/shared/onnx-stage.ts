import { assert, must } from "../../../base/assert.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import { mixesPhases, type StageFormat } from "../../../cost/stage-format.ts";
import type { Seal, StepRow, StepTask } from "../../../engine/replica-engine-types.ts";
import type { DecoderModel } from "../../../graph/decoder/model.ts";
import type { WeightTensor } from "../../../graph/decoder/weights.ts";
import type { GraphFormat } from "../../../graph/lower/compute-format.ts";
import { tokensFirst } from "../../../graph/lower/dialect.ts";
import { createPackedWeights, type PackedWeights } from "../../../graph/lower/packed-weights.ts";
import { lowerStage, type StageRange } from "../../../graph/lower/stage-graph.ts";
import { kernelRows } from "../../../plan/kernel-stages.ts";
import type { StagePlan } from "../../../plan/plan.ts";
import { BLOCK_TOKENS } from "../../../state/block.ts";
import type { LoadedStage, StageLimits, StageOutput } from "../../stage-driver.ts";
import type { DecodePath, DecodeRow } from "./decode-path.ts";
import { embedTokens } from "./embedding.ts";
import { graphDecode } from "./graph-decode.ts";
import { kernelDecode, kernelSteps } from "./kernel-decode.ts";
import { runMixed } from "./mixed-run.ts";
import type { OnnxRuntime } from "./onnx-session.ts";
import { loadPhase, type PhaseSession } from "./phase-session.ts";
import { type PromptChunk, runPrefill } from "./prefill-run.ts";
import { rotationTables } from "./rotations.ts";
import { closeStageLane, createStageKv, openStageLane, type StageKv, sealStageBlock, stageKvBytes } from "./stage-kv.ts";

const NS_PER_MS = 1e6;

interface Stage {
  readonly kv: StageKv;
  readonly width: number;
  readonly decode: DecodePath;
  /** None where decode steps take prompts' rows. */
  readonly prompt: PhaseSession | undefined;
  /** A prompt's graph takes decoding rows as well: both phases have one weight format. */
  readonly mixes: boolean;
  /** Only in the first stage. */
  readonly embedding: WeightTensor | undefined;
  /** The last stage, which gives logits. */
  readonly last: boolean;
  /** Seals of the step that has been answered. */
  due: readonly Seal[];
}

/** Loads a stage on an ONNX Runtime: prompts as a graph, decode steps and the head as graphs or in heddle's kernels, the embedding looked up here. */
export async function loadOnnxStage(
  runtime: OnnxRuntime,
  model: DecoderModel,
  request: { stage: StagePlan; limits: StageLimits },
): Promise<LoadedStage> {
  const { spec, weights } = model;
  const { stage: plan, limits } = request;
  const { fromLayer, toLayer, threads } = plan;
  const { dialect } = runtime;
  const packed = createPackedWeights();
  const range = { fromLayer, toLayer, rotations: rotationTables(spec.rope, limits.contextLimit), pageTokens: BLOCK_TOKENS, dialect };
  const decode = await loadDecode(runtime, model, { plan, limits, range, packed });
  const mixes = mixesPhases(plan);
  const loadPrompt = (): Promise<PhaseSession> => {
    const format = computed(runtime, plan, plan.prefillFormat);
    const forPrompt = plan.prefillFormat === plan.decodeFormat ? packed : createPackedWeights();
    const lowered = lowerStage(spec, weights, { ...range, phase: mixes ? "mixed" : "prefill", format }, forPrompt);
    return loadPhase(runtime, lowered, { format, threads, manyRows: true });
  };
  const stage: Stage = {
    kv: createStageKv(spec, toLayer - fromLayer, {
      ...limits,
      store: decode.pages,
      pagedPrompts: decode.step !== undefined,
      layout: tokensFirst(dialect) ? "tokens" : "heads",
    }),
    width: spec.width,
    decode,
    prompt: decode.step === undefined ? await loadPrompt() : undefined,
    mixes,
    embedding: fromLayer === 0 ? weights.read("embedding") : undefined,
    last: toLayer === spec.layers,
    due: [],
  };
  return {
    run: (step, input, _draws, onAnswer) => runStep(stage, { step, input, onAnswer }),
    kvBytes: () => stageKvBytes(stage.kv, stage.due),
    release: async () => {
      await stage.decode.release();
      await stage.prompt?.session.release();
    },
  };
}

interface DecodeRequest {
  readonly plan: StagePlan;
  readonly limits: StageLimits;
  readonly range: Omit<StageRange, "phase" | "format">;
  readonly packed: PackedWeights;
}

/** Errors: `plan-invalid` for a format that cannot be had, or a stage the kernels do not take. */
async function loadDecode(runtime: OnnxRuntime, model: DecoderModel, { plan, limits, range, packed }: DecodeRequest): Promise<DecodePath> {
  const { fromLayer, toLayer, threads, device } = plan;
  const { kernels } = runtime;
  if (plan.decodeFormat !== "block-int8" || kernels === undefined) {
    return graphDecode(runtime, model, {
      range: { ...range, phase: "decode", format: computed(runtime, plan, plan.decodeFormat) },
      packed,
      threads,
    });
  }
  const refusal = kernels.refusal();
  if (refusal !== undefined) throw new HeddleError("plan-invalid", { where: device, detail: `block-int8 cannot be had here: ${refusal}` });
  const { contextLimit, workingPages: pageCapacity, maxSequences } = limits;
  const prompts = plan.prefillFormat === "block-int8";
  if (prompts && kernels.promptRows === 0)
    throw new HeddleError("plan-invalid", {
      where: device,
      detail: `${plan.driver} takes no prompts in block-int8; use another prefill format`,
    });
  const maxRows = kernelRows({ ...plan, maxSequences });
  const stage = await kernels.load(model, { fromLayer, toLayer, threads, contextLimit, pageCapacity, maxRows, prompts });
  return prompts ? kernelSteps(stage, maxRows) : kernelDecode(stage);
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

interface StageWork {
  readonly step: StepTask;
  readonly input: Int32Array | Float32Array;
  readonly onAnswer: ((answer: StageOutput) => void) | undefined;
}

/** Blocks are sealed when the step is answered: a copy of 3 MB a block that nobody waits for but the next step. */
async function runStep(stage: Stage, { step, input, onAnswer }: StageWork): Promise<StageOutput> {
  const startedAt = performance.now();
  const busyNs = (): number => Math.round((performance.now() - startedAt) * NS_PER_MS);
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
  const data = stage.last ? await logitsOf(stage, step.rows, x) : x;
  stage.due = step.seals;
  onAnswer?.({ data, busyNs: busyNs() });
  stage.due = [];
  for (const seal of step.seals) sealStageBlock(kv, seal);
  return { data, busyNs: busyNs() };
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
  if (prompt === undefined) {
    await must(decode.step, "steps take prompts where no graph does")(kv, { rows, chunks, x, width });
    return;
  }
  if (rows.length > 0 && (!mixes || chunks.length === 0)) await decode.decode(kv, { rows, x, width });
  for (const [index, chunk] of chunks.entries()) {
    if (mixes) await runMixed(prompt, kv, { rows: index === 0 ? rows : [], chunk, x, width });
    else await runPrefill(prompt, kv, { chunk, x, width });
  }
}

/** Logits of the last position of every row that asked for a sample. */
async function logitsOf(stage: Stage, rows: readonly StepRow[], x: Float32Array): Promise<Float32Array> {
  const { decode, width } = stage;
  const sampled: number[] = [];
  let at = 0;
  for (const row of rows) {
    at += row.count;
    if (row.sample) sampled.push(at - 1);
  }
  if (sampled.length === 0) return new Float32Array(0);
  const picked = new Float32Array(sampled.length * width);
  sampled.forEach((row, i) => {
    picked.set(x.subarray(row * width, (row + 1) * width), i * width);
  });
  return decode.head(picked, sampled.length);
}

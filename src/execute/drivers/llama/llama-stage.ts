import type { LlamaContextSequence, Token } from "node-llama-cpp";
import { assert, must } from "../../../base/assert.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import type { OpenSequence, StepRow, StepTask } from "../../../engine/replica-engine-types.ts";
import type { DecoderModel } from "../../../graph/decoder/model.ts";
import { kvBytesPerToken } from "../../../graph/decoder/spec.ts";
import type { StagePlan } from "../../../plan/plan.ts";
import { BLOCK_TOKENS, pagesFor } from "../../../state/block.ts";
import type { Sampling } from "../../sampling/sampling.ts";
import type { LoadedStage, StageLimits, StageOutput } from "../../stage-driver.ts";
import { candidatesOf, writeLogits } from "./candidates.ts";
import type { LlamaPackage } from "./llama-package.ts";
import { loadContext } from "./load-context.ts";

interface Stage {
  /** One per lane. */
  readonly sequences: readonly LlamaContextSequence[];
  /** Tokens in each lane; -1 for a closed one. */
  readonly lengths: Int32Array;
  readonly vocabulary: number;
  readonly contextLimit: number;
}

/**
 * Loads a whole GGUF model into llama.cpp with one sequence a lane. All rows of a step go to the library together, which computes them in as few
 * batches as its batch size allows.
 *
 * Errors: `plan-invalid` where the plan asks for what the library cannot do, `device-failed` where it does not load.
 */
export async function loadLlamaStage(
  llama: LlamaPackage,
  model: DecoderModel,
  { stage: plan, limits }: { readonly stage: StagePlan; readonly limits: StageLimits },
): Promise<LoadedStage> {
  const file = checkedFile(model, plan);
  const { contextLimit, maxSequences } = limits;
  try {
    const { context, release } = await loadContext(llama, { file, threads: plan.threads, contextLimit, sequences: maxSequences });
    const sequences = Array.from({ length: maxSequences }, () => context.getSequence());
    const lengths = new Int32Array(maxSequences).fill(-1);
    const { vocabulary } = model.spec;
    return stageOf({ sequences, lengths, vocabulary, contextLimit }, release, kvBytesPerToken(model.spec) * BLOCK_TOKENS);
  } catch (error) {
    throw failure(error);
  }
}

function stageOf(stage: Stage, release: () => Promise<void>, pageBytes: number): LoadedStage {
  return {
    run: (step, input, draws) => runStep(stage, step, { input, draws }),
    // The library reserves room for all lanes at once; this is what open lanes use of it.
    kvBytes: () => stage.lengths.reduce((pages, length) => pages + pagesFor(Math.max(0, length)), 0) * pageBytes,
    release,
  };
}

function checkedFile({ file, spec }: DecoderModel, { device, fromLayer, toLayer, prefillFormat, decodeFormat }: StagePlan): string {
  const invalid = (detail: string): HeddleError => new HeddleError("plan-invalid", { where: device, detail });
  if (file === undefined) throw invalid("llama.cpp reads GGUF files, and the model is a folder");
  if (fromLayer !== 0 || toLayer !== spec.layers) {
    throw invalid(`llama.cpp runs all ${spec.layers} layers or none, not ${fromLayer} to ${toLayer}`);
  }
  if (prefillFormat !== "file" || decodeFormat !== "file") throw invalid("llama.cpp computes in the file's own weights (format file)");
  return file;
}

interface StepInput {
  readonly input: Int32Array | Float32Array;
  readonly draws: readonly Sampling[] | undefined;
}

async function runStep(stage: Stage, step: StepTask, { input, draws }: StepInput): Promise<StageOutput> {
  const startedAt = performance.now();
  assert(step.seals.length === 0, "llama.cpp keeps no sealed blocks", { seals: step.seals.length });
  assert(input instanceof Int32Array, "a whole model takes token ids", {});
  for (const lane of step.closes) await closeLane(stage, lane);
  for (const open of step.opens) openLane(stage, open);
  const jobs = jobsOf(stage, step.rows, input);
  const sampled = step.rows.filter((row) => row.sample).length;
  const data = new Float32Array(sampled * stage.vocabulary);
  let at = 0;
  const running = jobs.map((job) => {
    if (!job.row.sample) return computeRow(stage, job, undefined);
    const draw = draws?.[at];
    return computeRow(stage, job, { row: data.subarray(at * stage.vocabulary, ++at * stage.vocabulary), draw });
  });
  try {
    await Promise.all(running);
  } catch (error) {
    throw failure(error);
  }
  return { data, busyNs: Math.round((performance.now() - startedAt) * 1e6) };
}

interface RowJob {
  readonly row: StepRow;
  readonly tokens: readonly Token[];
}

/** The rows with their tokens; checked whole before any is computed. */
function jobsOf({ lengths, vocabulary, contextLimit }: Stage, rows: readonly StepRow[], input: Int32Array): readonly RowJob[] {
  let at = 0;
  const jobs = rows.map((row): RowJob => {
    const { lane, start, count } = row;
    assert(lengths[lane] === start, "a row starts where its lane ends", { row, length: lengths[lane] });
    assert(start + count <= contextLimit, "a row ends within the context", { row, contextLimit });
    const ids = Array.from(input.subarray(at, at + count));
    const unknown = ids.find((id) => id < 0 || id >= vocabulary);
    assert(unknown === undefined, "a token is in the vocabulary", { token: unknown, vocabulary });
    at += count;
    return { row, tokens: ids as Token[] };
  });
  assert(at === input.length, "one token id a row", { rows: at, tokens: input.length });
  return jobs;
}

async function computeRow(
  { sequences, lengths }: Stage,
  { row, tokens }: RowJob,
  sample: { readonly row: Float32Array; readonly draw: Sampling | undefined } | undefined,
): Promise<void> {
  const sequence = must(sequences[row.lane], "a lane has a sequence");
  lengths[row.lane] = row.start + row.count;
  if (sample === undefined) {
    await sequence.controlledEvaluate([...tokens]);
    return;
  }
  const topK = candidatesOf(sample.draw) ?? 0;
  const options = { temperature: 1, topK, topP: 1, minP: 0 };
  const last = must(tokens.at(-1), "a row has a token");
  const results = await sequence.controlledEvaluate([...tokens.slice(0, -1), [last, { generateNext: { probabilities: true, options } }]]);
  writeLogits(sample.row, must(results.at(-1)?.next.probabilities, "a sampled row has probabilities"));
}

async function closeLane({ sequences, lengths }: Stage, lane: number): Promise<void> {
  assert(lengths[lane]! >= 0, "an open lane is closed", { lane });
  lengths[lane] = -1;
  await must(sequences[lane], "a lane has a sequence").clearHistory();
}

function openLane({ lengths }: Stage, { lane, gather }: OpenSequence): void {
  assert(lengths[lane] === -1, "a closed lane is opened", { lane });
  assert(gather.length === 0, "llama.cpp keeps no sealed blocks", { lane, blocks: gather.length });
  lengths[lane] = 0;
}

function failure(error: unknown): HeddleError {
  if (error instanceof HeddleError) return error;
  return new HeddleError("device-failed", { detail: error instanceof Error ? error.message : String(error), cause: error });
}

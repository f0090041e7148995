/** Loaded stages one behind another, driven by hand: what numerics tests and benches compute with. */
import type { StageFormat } from "../../src/cost/stage-format.ts";
import type { Lane, OpenSequence, StepRow, StepTask } from "../../src/engine/replica-engine-types.ts";
import type { LoadedStage, StageDriver } from "../../src/execute/stage-driver.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import type { StagePlan } from "../../src/plan/plan.ts";
import { BLOCK_TOKENS, type SlotRef } from "../../src/state/block.ts";

export interface ChainOptions {
  /** Layers where the model is cut; none for the whole model in one stage. */
  readonly cuts?: readonly number[];
  readonly prefillFormat?: StageFormat;
  readonly decodeFormat?: StageFormat;
  readonly threads?: number;
  readonly maxSequences?: number;
  readonly contextLimit?: number;
  readonly workingPages?: number;
}

export interface StageChain {
  readonly stages: readonly LoadedStage[];
  /** Runs a task through all stages; logits of its sampled rows. */
  step(task: Partial<StepTask>, tokens: readonly number[]): Promise<Float32Array>;
  release(): Promise<void>;
}

const UNKNOWN = { valueNs: 1, lowNs: 1, highNs: 1, basis: "extrapolated", source: "test" } as const;

export async function loadChain(driver: StageDriver, model: DecoderModel, options: ChainOptions = {}): Promise<StageChain> {
  const edges = [0, ...(options.cuts ?? []), model.spec.layers];
  const stages: LoadedStage[] = [];
  for (let i = 0; i + 1 < edges.length; i++) {
    const plan: StagePlan = {
      fromLayer: edges[i]!,
      toLayer: edges[i + 1]!,
      device: "cpu-0",
      driver: driver.id,
      threads: options.threads ?? 1,
      prefillFormat: options.prefillFormat ?? "f32",
      decodeFormat: options.decodeFormat ?? "f32",
      decodeStep: UNKNOWN,
      prefill512: UNKNOWN,
      why: "test",
    };
    const { maxSequences = 8, contextLimit = 1024, workingPages = 128 } = options;
    const limits = { maxSequences, contextLimit, workingPages };
    stages.push(await driver.load(model, plan, limits));
  }
  return {
    stages,
    step: async (task, tokens) => {
      const whole: StepTask = { closes: [], opens: [], rows: [], seals: [], ...task };
      let data: Int32Array | Float32Array = Int32Array.from(tokens);
      for (const stage of stages) data = (await stage.run(whole, data)).data;
      return (data as Float32Array).slice();
    },
    release: async () => {
      for (const stage of stages) await stage.release();
    },
  };
}

/** Opens a lane with room for a prompt of up to `tokens` tokens. */
export function opening(
  lane: Lane,
  gather: readonly SlotRef[] = [],
  tokens = 1024,
  gatherTokens = gather.length * BLOCK_TOKENS,
): OpenSequence {
  return { lane, request: lane, attempt: 0, tokens, gather, gatherTokens };
}

/** One sampled row: a decode step, or a chunk of a prompt. */
export function rowOf(lane: Lane, phase: StepRow["phase"], start: number, count = 1): StepRow {
  return { lane, phase, start, count, sample: true };
}

/** Closes a lane, opens it anew and feeds tokens one by one; logits after every one of them. */
export async function teacherForced(
  chain: StageChain,
  tokens: readonly number[],
  phase: StepRow["phase"] = "decode",
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  for (const [start, token] of tokens.entries()) {
    rows.push(await chain.step({ opens: start === 0 ? [opening(0)] : [], rows: [rowOf(0, phase, start)] }, [token]));
  }
  await chain.step({ closes: [0] }, []);
  return rows;
}

/** Feeds a prompt in chunks of the given sizes; logits after each chunk. The lane stays open. */
export async function prefillChunks(
  chain: StageChain,
  tokens: readonly number[],
  sizes: readonly number[],
  lane = 0,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  let start = 0;
  for (const count of sizes) {
    const opens = start === 0 ? [opening(lane)] : [];
    rows.push(await chain.step({ opens, rows: [rowOf(lane, "prefill", start, count)] }, tokens.slice(start, start + count)));
    start += count;
  }
  return rows;
}

export function largestDifference(left: Float32Array, right: Float32Array): number {
  let most = left.length === right.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < left.length; i++) most = Math.max(most, Math.abs(left[i]! - right[i]!));
  return most;
}

/** Natural logarithms of the softmax. */
export function logSoftmax(logits: Float32Array): Float64Array {
  let most = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > most) most = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  const total = most + Math.log(sum);
  return Float64Array.from(logits, (logit) => logit - total);
}

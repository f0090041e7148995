import type { StageFormat } from "../cost/stage-format.ts";
import type { StepTask } from "../engine/replica-engine-types.ts";
import type { DecoderModel } from "../graph/decoder/model.ts";
import type { StagePlan } from "../plan/plan.ts";
import type { Sampling } from "./sampling/sampling.ts";

/** Runs stages on one device, inside that device's worker thread. Implementations: `drivers/ort/`, `drivers/ort-wasm/`, `drivers/llama/`. */
export interface StageDriver {
  readonly id: string;
  /** What the driver can do, and why not where it cannot. */
  describe(): DriverDescription;
  /** Builds and loads a stage. Errors: `driver-missing`, `device-failed`. */
  load(model: DecoderModel, stage: StagePlan, limits: StageLimits): Promise<LoadedStage>;
}

export interface DriverDescription {
  /** `model`: only all layers in one stage. */
  readonly boundary: "stage" | "model";
  readonly shapes: "dynamic";
  /** Weight formats both phases may have. */
  readonly numerics: readonly StageFormat[];
  /** Those that decode steps and heads alone may have. */
  readonly decodeNumerics: readonly StageFormat[];
  /** Whether blocks can be sealed and gathered; where not, no task may ask for it, and a replica has no slots for them. */
  readonly sealedBlocks: boolean;
  /** `relative`: a row's logits lack a constant of their own, so a penalty that multiplies them has no meaning. */
  readonly logits: "absolute" | "relative";
  /** Largest difference (relative to the row's largest logit) between a row computed alone and among neighbours. */
  readonly batchTolerance: number;
  readonly version: string;
}

export interface StageLimits {
  /** KV pages of running sequences, over all of them. */
  readonly workingPages: number;
  readonly maxSequences: number;
  readonly contextLimit: number;
}

/** A stage with its weights and the working KV of its layers. Calls come one at a time. */
export interface LoadedStage {
  /**
   * Does one iteration: closes, opens, computes, appends, seals.
   *
   * Shapes: `input` holds the rows of the task one after another: token ids [T] for the first stage, else the residual stream [T, width].
   * The last stage returns logits [sampled rows, vocabulary], any other the residual stream [T, width]. `draws` says how each sampled row will be
   * drawn: a driver may leave at -Infinity the logits of tokens that such a draw never takes. `onAnswer` is called, where a driver has work left that
   * the answer need not wait for (sealing), with the answer and the time until then; what is returned counts all of it.
   */
  run(
    step: StepTask,
    input: Int32Array | Float32Array,
    draws?: readonly Sampling[],
    onAnswer?: (answer: StageOutput) => void,
  ): Promise<StageOutput>;
  /** Bytes of working KV and sealed blocks held now; asked in `onAnswer`, with the blocks that are about to be sealed. */
  kvBytes(): number;
  release(): Promise<void>;
}

export interface StageOutput {
  /** Stays until the stage's next call. */
  readonly data: Float32Array;
  /** Time spent computing and moving KV, measured on the worker. Units: ns. */
  readonly busyNs: number;
}

import type { StepTask } from "../engine/replica-engine-types.ts";
import type { DecoderModel } from "../graph/decoder/model.ts";
import type { StagePlan } from "../plan/plan.ts";

/** Runs stages on one device, inside that device's worker thread. Implementations: `drivers/ort/`, `drivers/ort-wasm/`. */
export interface StageDriver {
  readonly id: string;
  /** What the driver can do, and why not where it cannot. */
  describe(): DriverDescription;
  /** Builds and loads a stage. Errors: `driver-missing`, `device-failed`. */
  load(model: DecoderModel, stage: StagePlan, limits: StageLimits): Promise<LoadedStage>;
}

export interface DriverDescription {
  readonly boundary: "stage";
  readonly shapes: "dynamic";
  readonly numerics: readonly string[];
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
   * The last stage returns logits [sampled rows, vocabulary], any other the residual stream [T, width].
   */
  run(step: StepTask, input: Int32Array | Float32Array): Promise<StageOutput>;
  /** Bytes of working KV and sealed blocks held now. */
  kvBytes(): number;
  release(): Promise<void>;
}

export interface StageOutput {
  readonly data: Float32Array;
  /** Time spent computing and moving KV, measured on the worker. Units: ns. */
  readonly busyNs: number;
}

import type { EightBitShare } from "../cost/block-weights.ts";
import type { Correction } from "../cost/correction.ts";
import type { StageCalibration } from "../cost/stage-calibration.ts";
import type { CostedStage } from "../cost/stage-pricer.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import type { WeightFormat } from "../graph/decoder/weights.ts";
import type { ComputeFormat, Rack } from "../rack/rack.ts";
import type { PolicyParameters } from "./plan.ts";

/** Everything a plan is made from. */
export interface PlanRequest {
  readonly model: PlanModel;
  readonly rack: Rack;
  readonly stageCalibrations: readonly StageCalibration[];
  /** What live runs taught about a replica with these stages, where anything. */
  readonly correctionOf?: (stages: readonly CostedStage[]) => Correction | undefined;
  readonly options?: PlanOptions;
}

export interface PlanModel {
  readonly name: string;
  readonly fingerprint: string;
  readonly path: string;
  readonly spec: DecoderSpec;
  /** Formats of the model's matrices as they lie in the file. */
  readonly weightFormats: readonly WeightFormat[];
  /** What of them, and of the head, `block-int8` holds in 8 bits; all where absent. */
  readonly eightBit?: EightBitShare;
  /** Size of the GGUF file; absent for a model of several files. */
  readonly fileBytes?: number;
}

/** Choices of the user; what is absent the planner chooses. */
export interface PlanOptions {
  readonly pins?: readonly StagePin[];
  readonly replicas?: number;
  /** Stages of each replica. */
  readonly stages?: number;
  readonly prefillFormat?: ComputeFormat;
  readonly decodeFormat?: ComputeFormat;
  readonly maxSequences?: number;
  readonly contextLimit?: number;
  /** Bytes of KV over all replicas; default a quarter of what weights leave of the memories. */
  readonly kvMemoryBytes?: number;
  readonly policy?: Partial<PolicyParameters>;
}

/** Stage `stage` of replica `replica` (of every replica where absent) runs on `device`. */
export interface StagePin {
  readonly replica?: number;
  readonly stage: number;
  readonly device: string;
}

/** Why there is no plan. */
export type PlanError =
  | { readonly code: "pin-impossible"; readonly pin: string; readonly possible: string }
  | { readonly code: "plan-no-capacity"; readonly detail: string }
  | { readonly code: "no-basis"; readonly detail: string };

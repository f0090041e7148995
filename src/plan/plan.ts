import type { Nanoseconds } from "../base/units.ts";
import type { Estimate } from "../cost/estimate.ts";
import type { StageFormat } from "../cost/stage-format.ts";

/** A plan: which layers run where, in which formats, how many replicas; with predictions and reasons. Written as JSON by `heddle plan`. */
export interface Plan {
  readonly version: 1;
  readonly model: { readonly name: string; readonly fingerprint: string; readonly path: string };
  readonly rackFingerprint: string;
  readonly replicas: readonly ReplicaPlan[];
  readonly policy: PolicyParameters;
  readonly predicted: PlanPrediction;
  /** Why this plan and not the runner-up, and what each pin cost: one sentence each. */
  readonly reasons: readonly string[];
}

export interface ReplicaPlan {
  readonly id: number;
  readonly stages: readonly StagePlan[];
  /** KV pages (64 tokens, all layers) for running sequences, together. */
  readonly workingPages: number;
  /** Slots for sealed blocks kept for reuse, one page each. */
  readonly sealedSlots: number;
  /** Bytes of one page over all layers of the model, f32 keys and values. */
  readonly pageBytes: number;
  /** Sequences that may run at once. */
  readonly maxSequences: number;
  /** Longest prompt + output of a sequence, in tokens. */
  readonly contextLimit: number;
}

/** Layers [fromLayer, toLayer) on one device; the first stage also embeds, the last one has the head. */
export interface StagePlan {
  readonly fromLayer: number;
  readonly toLayer: number;
  readonly device: string;
  readonly driver: string;
  readonly threads: number;
  readonly prefillFormat: StageFormat;
  readonly decodeFormat: StageFormat;
  /** One decode step of one sequence at context 256, and a prefill of 512 tokens. */
  readonly decodeStep: Estimate;
  readonly prefill512: Estimate;
  readonly why: string;
}

export interface PlanPrediction {
  /** First token of a 512-token prompt on an idle rack; time per further token alone; both with their intervals. */
  readonly ttft512: Estimate;
  readonly tpot: Estimate;
  /** Highest sustained output rate of 8 concurrent streams, or of as many as may run at once where `--max-sequences` is fewer. */
  readonly tokensPerSecond8: number;
}

/** Parameters of the online policies; recorded, so that a replay decides alike. */
export interface PolicyParameters {
  /** Most new prompt tokens one iteration may process. */
  readonly maxChunkTokens: number;
  /** With streams running, a prefill chunk may lengthen their iteration to at most this multiple of a pure decode step. */
  readonly maxStepStretch: number;
  /** Requests that may wait in the fleet's queue; one more is rejected with `queue-full`. */
  readonly queueLimit: number;
  /** `strict`: a block is reused only for the numerics that made it. `any`: also blocks written by decode steps (another weight format). */
  readonly kvReuse: "strict" | "any";
  readonly prefixCache: boolean;
  /** Silence of a replica host after which it counts as lost. */
  readonly hostTimeoutNs: Nanoseconds;
}

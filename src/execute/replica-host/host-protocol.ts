import type { ErrorCode } from "../../base/error-codes.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { StepCostInput } from "../../cost/step-cost-from.ts";
import type { FromReplica, RequestId, ToReplica } from "../../engine/messages.ts";
import type { Frame } from "../../fleet/session.ts";
import type { Plan } from "../../plan/plan.ts";
import type { ObservedStep } from "../calibrate/watch-steps.ts";
import type { Sampling, TokenLogprobs } from "../sampling/sampling.ts";

/** Messages between the front end and a replica host, over the IPC channel of the child process (advanced serialisation). */
export type ToHost =
  | { readonly type: "start"; readonly start: HostStart }
  /** `work` comes with the first frame of each `submit`, never with repetitions. */
  | { readonly type: "frame"; readonly frame: Frame<ToReplica>; readonly work?: SubmitWork }
  /** Asks for the iterations since this was last asked. */
  | { readonly type: "observe" }
  /** End: write what is pending and go. */
  | { readonly type: "stop" };

export type FromHost =
  | { readonly type: "ready" }
  | {
      readonly type: "batch";
      readonly frames: readonly Frame<FromReplica>[];
      readonly logprobs: readonly TokenDetail[];
      readonly load: HostLoad;
    }
  /** Answers `observe`; `now` is the host's clock, as are the steps' times. */
  | { readonly type: "observed"; readonly now: Nanoseconds; readonly steps: readonly ObservedStep[] }
  /** The host ends; what it says is what went wrong. */
  /** Its ledger ends here; the host goes on. */
  | { readonly type: "ledger-lost"; readonly where: string | undefined; readonly detail: string | undefined }
  | { readonly type: "fatal"; readonly code: ErrorCode; readonly where: string | undefined; readonly detail: string | undefined };

/** Everything a host needs to know about its replica. */
export interface HostStart {
  readonly plan: Plan;
  readonly replica: number;
  readonly incarnation: number;
  readonly cost: StepCostInput;
  readonly ledger: LedgerPlace | undefined;
}

export interface LedgerPlace {
  readonly folder: string;
  readonly tokens: "kept" | "dropped";
}

/** What engines never read of a request: its tokens, and how the next ones are chosen. */
export interface SubmitWork {
  readonly request: RequestId;
  readonly attempt: number;
  /** Prompt, and what earlier attempts delivered. */
  readonly tokens: Int32Array;
  /** Tokens of the prompt alone. */
  readonly promptTokens: number;
  /** Tenant whose cache it may share. */
  readonly salt: string;
  readonly sampling: Sampling;
}

export interface TokenDetail {
  readonly request: RequestId;
  readonly attempt: number;
  readonly index: number;
  readonly logprobs: TokenLogprobs;
}

/** Totals since the host started. */
export interface HostLoad {
  readonly tasks: number;
  /** Busy time of each stage. */
  readonly stageNs: readonly Nanoseconds[];
  /** Bytes of KV held by the stages after the last task. */
  readonly kvBytes: number;
}

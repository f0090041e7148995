import type { BlockKey } from "../state/block.ts";

/** Dense id of a request, given by the front end; never reused within a run. */
export type RequestId = number;

export type FinishReason = "stop" | "length" | "cancelled";

/** Fleet engine to replica engine. */
export type ToReplica = SubmitMessage | { readonly type: "cancel"; readonly request: RequestId } | { readonly type: "drain" };

export interface SubmitMessage {
  readonly type: "submit";
  readonly request: RequestId;
  /** Grows with every resubmission; answers of an older attempt are ignored. */
  readonly attempt: number;
  /** Tokens to prefill: the prompt and what earlier attempts already delivered. */
  readonly promptTokens: number;
  /** Tokens already delivered to the client; the next one has this index. */
  readonly delivered: number;
  /** Tokens still to generate at most. */
  readonly maxNewTokens: number;
  /** Keys of the whole blocks at the start of the prompt, and of the parts of its blocks. */
  readonly keys: readonly BlockKey[];
  readonly parts: readonly BlockKey[];
  readonly priority: number;
}

/** Replica engine to fleet engine. */
export type FromReplica =
  | { readonly type: "started"; readonly request: RequestId; readonly attempt: number; readonly cachedTokens: number }
  | {
      readonly type: "token";
      readonly request: RequestId;
      readonly attempt: number;
      /** Index among the request's generated tokens, from 0 over all attempts. */
      readonly index: number;
      /** Opaque to engines; -1 where it was not recorded. */
      readonly token: number;
    }
  | {
      readonly type: "finished";
      readonly request: RequestId;
      readonly attempt: number;
      readonly reason: FinishReason;
      readonly generated: number;
    }
  | {
      readonly type: "failed";
      readonly request: RequestId;
      readonly attempt: number;
      readonly code: "prompt-too-long" | "device-failed" | "draining";
    }
  | ReplicaReport;

/** Sent when the load changed, at most once a report interval: what routing believes of a replica. */
export interface ReplicaReport {
  readonly type: "report";
  readonly running: number;
  readonly waiting: number;
  readonly freePages: number;
  /** Prompt tokens not yet computed, of running and waiting sequences. */
  readonly prefillBacklogTokens: number;
  /** Blocks sealed and evicted since the last report; what came and went in between is in neither. */
  readonly sealed: readonly BlockKey[];
  readonly evicted: readonly BlockKey[];
}

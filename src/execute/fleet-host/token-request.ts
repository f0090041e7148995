import type { HeddleError } from "../../base/heddle-error.ts";
import type { FinishReason, RequestId } from "../../engine/messages.ts";
import type { Sampling, TokenLogprobs } from "../sampling/sampling.ts";

/** A request to a live fleet, in tokens. */
export interface TokenRequest {
  readonly tokens: readonly number[];
  readonly maxNewTokens: number;
  readonly sampling: Sampling;
  /** Requests of equal salt may share cached blocks; empty for the common one. */
  readonly salt: string;
  /** Higher goes first. */
  readonly priority: number;
}

export interface TokenUsage {
  readonly promptTokens: number;
  readonly generated: number;
  readonly cachedTokens: number;
}

/** How a request ended. Exactly one comes for each request. */
export type TokenOutcome =
  | { readonly type: "finished"; readonly reason: FinishReason; readonly usage: TokenUsage }
  | { readonly type: "rejected"; readonly error: HeddleError };

/** Told what happens to a request; never from inside `submit`. */
export interface TokenListener {
  /** Indices rise by one from 0. */
  token(index: number, token: number, logprobs: TokenLogprobs | undefined): void;
  end(outcome: TokenOutcome): void;
}

export interface LiveRequest {
  readonly id: RequestId;
  cancel(): void;
  /** A stop string was found: `generated` tokens count, the rest is dropped. */
  stop(generated: number): void;
}

import type { FinishReason } from "../../engine/messages.ts";
import type { TokenUsage } from "../fleet-host/token-request.ts";
import type { Sampling, TokenLogprobs } from "../sampling/sampling.ts";

/** A request for text: its prompt is tokens already. */
export interface TextRequest {
  readonly tokens: readonly number[];
  /** Most tokens to generate; absent for as many as fit the context. */
  readonly maxNewTokens: number | undefined;
  readonly stop: readonly string[];
  readonly sampling: Sampling;
  readonly salt: string;
  readonly priority: number;
}

/** A token with its log-probabilities, where they were asked for. */
export interface TokenText {
  readonly token: number;
  readonly logprobs: TokenLogprobs | undefined;
}

/** What a generation yields: any number of pieces, then one end. Failures are thrown. */
export type TextEvent =
  /** Text that became certain, and the tokens that came since the last piece. Either may be empty, never both. */
  | { readonly type: "piece"; readonly text: string; readonly tokens: readonly TokenText[] }
  | { readonly type: "end"; readonly reason: FinishReason; readonly usage: TokenUsage };

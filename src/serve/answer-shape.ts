import type { FinishReason } from "../engine/messages.ts";
import type { TokenUsage } from "../execute/fleet-host/token-request.ts";
import type { TextEvent, TokenText } from "../execute/front-end/text-request.ts";

export type Piece = Extract<TextEvent, { type: "piece" }>;

/** A choice of an answer, as it is written in JSON. */
export type Choice = Readonly<Record<string, unknown>>;

/** Everything one prompt produced. */
export interface WholeText {
  readonly text: string;
  readonly tokens: readonly TokenText[];
  readonly reason: FinishReason;
}

/** How the answers of one path are written. */
export interface AnswerShape {
  readonly idPrefix: string;
  readonly object: string;
  readonly chunkObject: string;
  /** Choice of the first chunk, where the path has one before any text. */
  opening(index: number): Choice | undefined;
  piece(index: number, piece: Piece): Choice;
  closing(index: number, reason: FinishReason): Choice;
  whole(index: number, text: WholeText): Choice;
}

/** The `usage` of an answer over all its choices, with cached prompt tokens. Units: tokens. */
export function usageOf(usages: readonly TokenUsage[]): Readonly<Record<string, unknown>> {
  let prompt = 0;
  let completion = 0;
  let cached = 0;
  for (const { promptTokens, generated, cachedTokens } of usages) {
    prompt += promptTokens;
    completion += generated;
    cached += cachedTokens;
  }
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

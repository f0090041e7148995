import type { TokenText } from "../execute/front-end/text-request.ts";
import type { Tokenizer } from "../graph/tokenizer/tokenizer.ts";
import type { AnswerShape } from "./answer-shape.ts";

/** Answers of `/v1/completions`. Made for each answer anew: it counts the text's offsets. */
export function completionShape(tokenizer: Tokenizer): AnswerShape {
  const offsets = new Map<number, number>();
  const textOf = (token: number): string => new TextDecoder().decode(tokenizer.tokenBytes(token));
  const logprobsOf = (index: number, tokens: readonly TokenText[]): unknown => {
    const known = tokens.flatMap(({ logprobs }) => (logprobs === undefined ? [] : [logprobs]));
    if (known.length === 0) return null;
    const texts = known.map(({ token }) => textOf(token));
    const textOffset = texts.map((text) => {
      const at = offsets.get(index) ?? 0;
      offsets.set(index, at + text.length);
      return at;
    });
    return {
      tokens: texts,
      token_logprobs: known.map(({ logprob }) => logprob),
      top_logprobs: known.map(({ top }) => Object.fromEntries(top.map(({ token, logprob }) => [textOf(token), logprob]))),
      text_offset: textOffset,
    };
  };
  return {
    idPrefix: "cmpl-",
    object: "text_completion",
    chunkObject: "text_completion",
    opening: () => undefined,
    piece: (index, { text, tokens }) => ({ index, text, logprobs: logprobsOf(index, tokens), finish_reason: null }),
    closing: (index, reason) => ({ index, text: "", logprobs: null, finish_reason: reason }),
    whole: (index, { text, tokens, reason }) => ({ index, text, logprobs: logprobsOf(index, tokens), finish_reason: reason }),
  };
}

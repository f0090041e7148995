import type { TokenText } from "../execute/front-end/text-request.ts";
import type { TokenLogprob } from "../execute/sampling/sampling.ts";
import type { Tokenizer } from "../graph/tokenizer/tokenizer.ts";
import type { AnswerShape } from "./answer-shape.ts";

/** Answers of `/v1/chat/completions`. */
export function chatShape(tokenizer: Tokenizer): AnswerShape {
  const entry = ({ token, logprob }: TokenLogprob): Readonly<Record<string, unknown>> => {
    const bytes = tokenizer.tokenBytes(token);
    return { token: new TextDecoder().decode(bytes), logprob, bytes: [...bytes] };
  };
  const logprobsOf = (tokens: readonly TokenText[]): unknown => {
    const known = tokens.flatMap(({ logprobs }) => (logprobs === undefined ? [] : [logprobs]));
    if (known.length === 0) return null;
    return { content: known.map((logprobs) => ({ ...entry(logprobs), top_logprobs: logprobs.top.map(entry) })), refusal: null };
  };
  return {
    idPrefix: "chatcmpl-",
    object: "chat.completion",
    chunkObject: "chat.completion.chunk",
    opening: (index) => ({ index, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null }),
    piece: (index, { text, tokens }) => ({ index, delta: { content: text }, logprobs: logprobsOf(tokens), finish_reason: null }),
    closing: (index, reason) => ({ index, delta: {}, logprobs: null, finish_reason: reason }),
    whole: (index, { text, tokens, reason }) => ({
      index,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: logprobsOf(tokens),
      finish_reason: reason,
    }),
  };
}

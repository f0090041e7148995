import { randomInt } from "node:crypto";
import { HeddleError } from "../base/heddle-error.ts";
import type { TextRequest } from "../execute/front-end/text-request.ts";
import type { Sampling } from "../execute/sampling/sampling.ts";
import type { ChatMessage } from "../graph/tokenizer/chat-template.ts";
import type { PromptEncoder } from "./prompt-encoder.ts";
import type { ChatBody, CommonBody, CompletionBody } from "./request-schema.ts";

/** What OpenAI's API takes when a field is absent. */
const DEFAULT_TEMPERATURE = 1;
const DEFAULT_COMPLETION_TOKENS = 16;
const SEED_RANGE = 2 ** 31;

/** The one request for text behind a chat body. Errors: those of the chat template and of the prompt's length. */
export function chatRequest(body: ChatBody, encoder: PromptEncoder): TextRequest {
  if (body.top_logprobs !== undefined && body.logprobs !== true) {
    throw new HeddleError("request-invalid", { where: "top_logprobs", detail: "it needs logprobs: true" });
  }
  const topLogprobs = body.logprobs === true ? (body.top_logprobs ?? 0) : undefined;
  return {
    tokens: encoder.chat(body.messages.map(messageOf)),
    maxNewTokens: body.max_completion_tokens ?? body.max_tokens,
    ...rest(body, topLogprobs),
  };
}

/** One request for each prompt of a completion body. */
export function completionRequests(body: CompletionBody, encoder: PromptEncoder): TextRequest[] {
  const maxNewTokens = body.max_tokens ?? DEFAULT_COMPLETION_TOKENS;
  return promptsOf(body.prompt).map((prompt) => ({
    tokens: typeof prompt === "string" ? encoder.text(prompt) : prompt,
    maxNewTokens,
    ...rest(body, body.logprobs),
  }));
}

function promptsOf(prompt: CompletionBody["prompt"]): readonly (string | readonly number[])[] {
  if (typeof prompt === "string") return [prompt];
  const [first] = prompt;
  return typeof first === "number" ? [prompt as number[]] : (prompt as (string | number[])[]);
}

function messageOf({ role, content }: ChatBody["messages"][number]): ChatMessage {
  const text = typeof content === "string" ? content : content.map((part) => part.text).join("");
  return { role: role === "developer" ? "system" : role, content: text };
}

function rest(body: CommonBody, topLogprobs: number | undefined): Omit<TextRequest, "tokens" | "maxNewTokens"> {
  const stop = body.stop === undefined ? [] : typeof body.stop === "string" ? [body.stop] : body.stop;
  return { stop, sampling: samplingOf(body, topLogprobs), salt: body.cache_salt ?? "", priority: body.priority ?? 0 };
}

function samplingOf(body: CommonBody, topLogprobs: number | undefined): Sampling {
  return {
    temperature: body.temperature ?? DEFAULT_TEMPERATURE,
    topK: Math.max(0, body.top_k ?? 0),
    topP: body.top_p ?? 1,
    minP: body.min_p ?? 0,
    repetitionPenalty: body.repetition_penalty ?? 1,
    presencePenalty: body.presence_penalty ?? 0,
    frequencyPenalty: body.frequency_penalty ?? 0,
    logitBias: Object.entries(body.logit_bias ?? {}).map(([token, bias]) => [Number(token), bias] as const),
    seed: body.seed ?? randomInt(SEED_RANGE),
    topLogprobs,
    ignoreStop: body.ignore_eos ?? false,
  };
}

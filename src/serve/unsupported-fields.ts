import { HeddleError } from "../base/heddle-error.ts";

type Harmless = (value: unknown) => boolean;

const isFalse: Harmless = (value) => value === false;
const isOne: Harmless = (value) => value === 1;
const isZero: Harmless = (value) => value === 0;
const isEmpty: Harmless = (value) => value === "" || (Array.isArray(value) && value.length === 0);
const isTrue: Harmless = (value) => value === true;
const never: Harmless = () => false;

/**
 * Fields that would change the answer if they were done, with the values that ask for nothing. Any other unknown field is a label, a hint or
 * something of another server's bookkeeping, and is ignored.
 *
 * Source: OpenAI's API reference, and the request classes of vLLM and SGLang (`entrypoints/openai/protocol.py` of both).
 */
const UNSUPPORTED: Readonly<Record<string, Harmless>> = {
  n: isOne,
  best_of: isOne,
  tools: isEmpty,
  tool_choice: (value) => value === "none" || value === "auto",
  functions: isEmpty,
  function_call: (value) => value === "none" || value === "auto",
  response_format: (value) => isRecord(value) && value["type"] === "text",
  modalities: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
  audio: never,
  prediction: never,
  web_search_options: never,
  reasoning_effort: (value) => value === "none",
  verbosity: (value) => value === "medium",
  echo: isFalse,
  suffix: isEmpty,
  min_tokens: isZero,
  length_penalty: isOne,
  use_beam_search: isFalse,
  bad_words: isEmpty,
  allowed_token_ids: isEmpty,
  stop_token_ids: isEmpty,
  prompt_logprobs: never,
  include_stop_str_in_output: isFalse,
  skip_special_tokens: isTrue,
  spaces_between_special_tokens: () => true,
  add_generation_prompt: isTrue,
  continue_final_message: isFalse,
  chat_template: never,
  chat_template_kwargs: isEmptyRecord,
  documents: isEmpty,
  guided_json: never,
  guided_regex: never,
  guided_choice: never,
  guided_grammar: never,
  structured_outputs: never,
  logits_processors: isEmpty,
  kv_transfer_params: never,
  truncate_prompt_tokens: never,
  return_token_ids: isFalse,
  return_tokens_as_token_ids: isFalse,
  mm_processor_kwargs: isEmptyRecord,
  vllm_xargs: isEmptyRecord,
  thinking_token_budget: never,
  structural_tag: never,
  regex: never,
  ebnf: never,
  json_schema: never,
  lora_path: never,
  stop_regex: isEmpty,
  no_stop_trim: isFalse,
  return_hidden_states: isFalse,
  custom_logit_processor: never,
  session_params: isEmptyRecord,
};

/** Errors: `request-unsupported` naming the first field that asks for something that is not done. */
export function refuseUnsupported(body: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(body)) {
    if (!Object.hasOwn(UNSUPPORTED, field) || UNSUPPORTED[field]?.(value) === true) continue;
    throw new HeddleError("request-unsupported", { where: field, detail: `${field} with this value is not done here` });
  }
  const { messages, stream_options: streamOptions, add_special_tokens: special } = body;
  if (special !== undefined && special !== (messages === undefined))
    throw unsupported("add_special_tokens", "chat templates bring their special tokens, other prompts get the tokenizer's");
  if (isRecord(streamOptions) && streamOptions["continuous_usage_stats"] === true)
    throw unsupported("stream_options.continuous_usage_stats", "usage comes once, with the last chunk");
  if (Array.isArray(messages)) messages.forEach(refuseMessage);
}

function refuseMessage(message: unknown, index: number): void {
  if (!isRecord(message)) return;
  const where = `messages[${index}]`;
  const { role, content, tool_calls: calls } = message;
  if (role === "tool" || role === "function") throw unsupported(`${where}.role`, "tools are not called here");
  if (calls !== undefined && calls !== null && !isEmpty(calls)) throw unsupported(`${where}.tool_calls`, "tools are not called here");
  if (!Array.isArray(content)) return;
  content.forEach((part: unknown, at) => {
    const type = isRecord(part) ? part["type"] : undefined;
    if (typeof type === "string" && type !== "text")
      throw unsupported(`${where}.content[${at}].type`, `only text is read, not ${type.slice(0, 40)}`);
  });
}

function unsupported(where: string, detail: string): HeddleError {
  return new HeddleError("request-unsupported", { where, detail });
}

function isEmptyRecord(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

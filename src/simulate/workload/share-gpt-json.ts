import { shown, tokensField } from "./number-field.ts";
import type { Workload, WorkloadRequest } from "./workload.ts";
import { WORKLOAD_ROWS_MAX, WORKLOAD_TOKENS_MAX } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

/** Tokens of a text, by the tokenizer of the model that is simulated. */
export type CountTokens = (text: string) => number;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Requests of a ShareGPT file: a JSON list of `conversations` of `{from, value}`; the first text is the prompt, the second the answer, as vLLM's
 * benchmarks take them. Shorter conversations are left out. The file says nothing of arrivals, so all stand at 0: it serves as a file of lengths.
 *
 * Errors: `workload-invalid`; without a tokenizer too, as characters say too little of tokens to be divided by a constant.
 * Source: vllm-project/vllm, `ShareGPTDataset` of vllm/benchmarks/datasets.
 */
export function shareGptWorkload(rows: readonly unknown[], countTokens: CountTokens | undefined): Workload {
  if (countTokens === undefined) {
    throw workloadInvalid({}, "holds texts, not numbers of tokens: name the tokenizer (--tokenizer) whose tokens are meant");
  }
  if (rows.length > WORKLOAD_ROWS_MAX) throw workloadInvalid({}, `more than ${WORKLOAD_ROWS_MAX} rows`);
  const requests: WorkloadRequest[] = [];
  let short = 0;
  for (const [i, row] of rows.entries()) {
    const texts = textsOf(row, i);
    const [prompt, answer] = texts;
    const promptTokens = prompt === undefined || answer === undefined ? 0 : countTokens(prompt);
    const outputTokens = promptTokens === 0 ? 0 : countTokens(answer!);
    if (promptTokens === 0 || outputTokens === 0) {
      short += 1;
      continue;
    }
    const tokens = (value: number): number => tokensField(Math.min(value, WORKLOAD_TOKENS_MAX), { field: `[${i}].conversations` });
    requests.push({ atNs: 0, promptTokens: tokens(promptTokens), outputTokens: tokens(outputTokens) });
  }
  return {
    source: "ShareGPT conversations, first turn of each, all at once",
    ...(short === 0 ? {} : { leftOut: [{ reason: "without a question and an answer", rows: short }] }),
    requests,
  };
}

/** Whether a JSON document is a list of conversations. */
export function isShareGpt(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.some((row: unknown) => typeof row === "object" && row !== null && "conversations" in row);
}

function textsOf(row: unknown, i: number): readonly string[] {
  const turns = typeof row === "object" && row !== null ? (row as Fields)["conversations"] : undefined;
  if (!Array.isArray(turns)) throw workloadInvalid({ field: `[${i}].conversations` }, `is ${shown(turns)}; a list is meant`);
  return turns.slice(0, 2).map((turn: unknown, k) => {
    const value = typeof turn === "object" && turn !== null ? (turn as Fields)["value"] : undefined;
    if (typeof value === "string") return value;
    throw workloadInvalid({ field: `[${i}].conversations[${k}].value` }, `is ${shown(value)}; a text is meant`);
  });
}

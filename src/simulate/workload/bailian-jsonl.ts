import { NS_PER_S } from "../../base/units.ts";
import { timeField, tokensField } from "./number-field.ts";
import { hashIdsField } from "./shared-field.ts";
import { jsonObject, type TextLine } from "./text-lines.ts";
import type { WorkloadRequest } from "./workload.ts";

/** Tokens a hash id covers. Source: alibaba-edu/qwen-bailian-usagetraces-anon, README. */
const BAILIAN_BLOCK_TOKENS = 16;

/**
 * One request of a Qwen-Bailian trace: `timestamp` (s), `input_length`, `output_length`, `hash_ids` of 16-token blocks. Turns arrive when they were
 * recorded to; `chat_id`, `parent_chat_id`, `turn` and `type` change nothing, as what turns share is in the ids.
 *
 * Errors: `workload-invalid` with line and field.
 * Source: alibaba-edu/qwen-bailian-usagetraces-anon, README (Apache-2.0).
 */
export function bailianRequest(row: TextLine): WorkloadRequest {
  const { line } = row;
  const fields = jsonObject(row);
  const promptTokens = tokensField(fields["input_length"], { line, field: "input_length" });
  const request = {
    atNs: timeField(fields["timestamp"], { line, field: "timestamp" }, NS_PER_S),
    promptTokens,
    outputTokens: tokensField(fields["output_length"], { line, field: "output_length" }),
  };
  if (fields["hash_ids"] === undefined) return request;
  return { ...request, shared: hashIdsField(fields["hash_ids"], { promptTokens, blockTokens: BAILIAN_BLOCK_TOKENS, line }) };
}

import { NS_PER_MS } from "../../base/units.ts";
import { timeField, tokensField } from "./number-field.ts";
import { HASH_BLOCK_TOKENS, hashIdsField } from "./shared-field.ts";
import { jsonObject, type TextLine } from "./text-lines.ts";
import type { WorkloadRequest } from "./workload.ts";

/**
 * One request of a Mooncake trace: `timestamp` (ms), `input_length`, `output_length`, `hash_ids` of 512-token blocks.
 *
 * Errors: `workload-invalid` with line and field. Fields beyond these four carry nothing we use.
 * Source: kvcache-ai/Mooncake, FAST25-release, README of the traces.
 */
export function mooncakeRequest(row: TextLine): WorkloadRequest {
  const { line } = row;
  const fields = jsonObject(row);
  const promptTokens = tokensField(fields["input_length"], { line, field: "input_length" });
  const request = {
    atNs: timeField(fields["timestamp"], { line, field: "timestamp" }, NS_PER_MS),
    promptTokens,
    outputTokens: tokensField(fields["output_length"], { line, field: "output_length" }),
  };
  if (fields["hash_ids"] === undefined) return request;
  return { ...request, shared: hashIdsField(fields["hash_ids"], { promptTokens, blockTokens: HASH_BLOCK_TOKENS, line }) };
}

import type { SharedPrefix } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

/** Tokens a hash id covers in Mooncake's traces, and where a file of ours does not say. Source: Mooncake FAST'25 release, README. */
export const HASH_BLOCK_TOKENS = 512;
const HASH_ID_MAX = 4_294_967_295;

/** Ids of the pieces of a prompt, at most one for each begun piece. Errors: `workload-invalid`. */
export function hashIdsField(value: unknown, prompt: { promptTokens: number; blockTokens: number; line: number }): SharedPrefix {
  const place = { line: prompt.line, field: "hash_ids" };
  if (!Array.isArray(value)) throw workloadInvalid(place, "a list of whole numbers is meant");
  const most = Math.ceil(prompt.promptTokens / prompt.blockTokens);
  if (value.length > most) {
    throw workloadInvalid(
      place,
      `${value.length} ids, but ${prompt.promptTokens} tokens begin only ${most} blocks of ${prompt.blockTokens}`,
    );
  }
  for (const id of value as unknown[]) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > HASH_ID_MAX) {
      throw workloadInvalid(place, `an id is a whole number from 0 to ${HASH_ID_MAX}`);
    }
  }
  return { type: "blocks", ids: value as number[], blockTokens: prompt.blockTokens };
}

import { NS_PER_S } from "../../../base/units.ts";
import { WORKLOAD_NS_MAX, WORKLOAD_TOKENS_MAX } from "../workload.ts";
import { workloadInvalid } from "../workload-error.ts";
import { type SpecFields, wholeNumber } from "./spec.ts";

/** Most requests that are generated. */
export const GENERATED_ROWS_MAX = 20_000_000;
/** Length of a generated workload in seconds. */
export function secondsOf(spec: SpecFields, rateMax: number): number {
  const seconds = spec.number("seconds");
  if (seconds * NS_PER_S > WORKLOAD_NS_MAX) throw workloadInvalid({ field: "seconds" }, `is at most ${WORKLOAD_NS_MAX / NS_PER_S}`);
  if (rateMax * seconds > GENERATED_ROWS_MAX / 2) throw tooMany();
  return seconds;
}

/** Groups of prompts that share their first tokens: `4x256` is 4 groups that share 256 tokens each. */
export function prefixOf(spec: SpecFields, field: string): { readonly groups: number; readonly tokens: number } | undefined {
  if (!spec.has(field)) return undefined;
  const [groups = "", tokens = "", ...more] = spec.text(field).split("x");
  if (more.length > 0) throw workloadInvalid({ field }, "groups x tokens is meant, such as 4x256");
  return {
    groups: wholeNumber(groups, { field, least: 1, most: 1_000_000 }),
    tokens: wholeNumber(tokens, { field, least: 1, most: WORKLOAD_TOKENS_MAX }),
  };
}

/** `workload-invalid`: a rate and a duration that give more requests than are generated. */
export function tooMany(): Error {
  return workloadInvalid({ field: "rate" }, `gives more than ${GENERATED_ROWS_MAX / 2} requests`);
}

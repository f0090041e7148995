import { WORKLOAD_NS_MAX, WORKLOAD_TOKENS_MAX } from "./workload.ts";
import { type WorkloadPlace, workloadInvalid } from "./workload-error.ts";

/** A whole number of tokens between `least` and the bound. Errors: `workload-invalid`. */
export function tokensField(value: unknown, place: WorkloadPlace, least = 1): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > WORKLOAD_TOKENS_MAX) {
    throw workloadInvalid(place, `is ${shown(value)}; a whole number from ${least} to ${WORKLOAD_TOKENS_MAX} is meant`);
  }
  return value;
}

/** A time in units of `unitNs`, as whole nanoseconds. Errors: `workload-invalid`. */
export function timeField(value: unknown, place: WorkloadPlace, unitNs: number): number {
  if (typeof value !== "number" || !(value >= 0) || value * unitNs > WORKLOAD_NS_MAX) {
    throw workloadInvalid(place, `is ${shown(value)}; a number from 0 to ${WORKLOAD_NS_MAX / unitNs} is meant`);
  }
  return Math.round(value * unitNs);
}

/** A short picture of a wrong value for a message. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  const text = typeof value === "string" ? JSON.stringify(value) : String(typeof value === "object" ? JSON.stringify(value) : value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

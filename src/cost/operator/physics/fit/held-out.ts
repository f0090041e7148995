import { exp, ln } from "../../../../base/math.ts";
import { quantile } from "../../../../base/statistics.ts";
import type { ConstantSlot } from "../constant-slot.ts";
import { type ComputeQuery, operatorNs } from "../operator-time.ts";
import type { PhysicsConstants } from "../physics-constants.ts";
import { type DeviceTimes, fitConstants } from "./fit-constants.ts";

/** Errors of rows that a fit did not see. Ratios. */
export interface HeldOutErrors {
  readonly median: number;
  readonly p90: number;
  /** Half-width of an interval (value / (1 + s) to value x (1 + s)) that holds 90 % of them. */
  readonly spread: number;
}

const FOLDS = 5;

/** What rows are held out together: one weight, one shape of heads, one mixture, one device's share of it. */
export function groupOf(query: ComputeQuery): string {
  switch (query.op) {
    case "product":
      return `${query.n}x${query.k}`;
    case "prefill-attention":
    case "decode-attention":
      return `${query.heads}/${query.kvHeads}/${query.headDim}`;
    case "latent-attention":
      return `${query.heads}`;
    case "sparse-attention":
      return `${query.heads}/${query.width}/${query.indexHeads}`;
    case "experts":
      return `${query.width}/${query.inner}/${query.experts}/${query.ranks.tensor}/${query.ranks.expert}`;
    case "stream":
      return `${query.bytes}`;
  }
}

/** Errors over five folds of groups by hash, each predicted by constants fitted on the other four. */
export function heldOutErrors(
  fitted: PhysicsConstants,
  slot: ConstantSlot,
  sets: readonly DeviceTimes[],
  evaluations: number,
): HeldOutErrors {
  const errors: number[] = [];
  const widths: number[] = [];
  for (let fold = 0; fold < FOLDS; fold++) {
    const part = (inside: boolean): DeviceTimes[] =>
      sets.map(({ device, rows }) => ({ device, rows: rows.filter(({ query }) => (hash(groupOf(query)) % FOLDS === fold) === inside) }));
    const constants = fitConstants(fitted, slot, part(false), evaluations);
    for (const set of part(true)) addErrors(constants, set, errors, widths);
  }
  return { median: quantile(errors, 0.5), p90: quantile(errors, 0.9), spread: quantile(widths, 0.9) };
}

/** Errors of each device's rows, predicted by constants fitted on the other devices: what a family says of a device it was not fitted on. */
export function leftOutDeviceErrors(
  fitted: PhysicsConstants,
  slot: ConstantSlot,
  sets: readonly DeviceTimes[],
  evaluations: number,
): HeldOutErrors {
  const errors: number[] = [];
  const widths: number[] = [];
  for (const left of sets) {
    const others = sets.filter(({ device }) => device !== left.device);
    addErrors(fitConstants(fitted, slot, others, evaluations), left, errors, widths);
  }
  return { median: quantile(errors, 0.5), p90: quantile(errors, 0.9), spread: quantile(widths, 0.9) };
}

function addErrors(constants: PhysicsConstants, { device, rows }: DeviceTimes, errors: number[], widths: number[]): void {
  for (const { query, ns } of rows) {
    const error = ln(operatorNs(device, constants, query) / ns);
    errors.push(Math.abs(exp(error) - 1));
    widths.push(exp(Math.abs(error)) - 1);
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 2_166_136_261;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16_777_619);
  return value >>> 0;
}

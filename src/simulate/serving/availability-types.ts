import type { TimeHeap } from "../../base/heap.ts";
import type { ScalingRules } from "../../policy/serving/scaling.ts";
import type { Outage } from "./serving-input.ts";

/** Which replicas take requests, and when that changes: hosts that are lost and come back, and fleets that grow and shrink. */
export interface Availability {
  readonly state: Uint8Array;
  /** Time since each replica is ordered; -1 where it is not. */
  readonly orderedNs: Float64Array;
  /** Time for which each replica was ordered before it was given back. */
  readonly replicaNs: Float64Array;
  /** The next loss of each host whose losses are drawn. */
  readonly nextOutage: readonly ((() => Outage) | undefined)[];
  resent: number;
  readonly changes: TimeHeap<Change>;
  /** By replica: returns that are to come. */
  readonly returns: Int32Array;
  /** Rows that found no replica. */
  readonly stranded: number[];
  readonly groups: readonly ScalingGroup[];
}

/** Replicas that are ordered and given back by one set of rules. */
export interface ScalingGroup {
  readonly rules: ScalingRules;
  readonly replicas: readonly number[];
  /** They take requests with their KV. */
  readonly decodes: boolean;
}

/** `look`: of the scaling rules of a group. */
export type Change =
  | { readonly kind: "lost" | "back" | "started"; readonly replica: number }
  | { readonly kind: "look"; readonly group: number };

import type { Nanoseconds } from "../../base/units.ts";

/** When replicas are ordered and given back: by the requests a serving replica has, on average over those that serve. */
export interface ScalingRules {
  /** Replicas that serve at the beginning; the others are orders that were not made yet. */
  readonly initial: number;
  /** Kept up where hosts are lost, too. */
  readonly least: number;
  /** Time between two looks. */
  readonly everyNs: Nanoseconds;
  /** Above this mean a replica is ordered, below the other one is drained and given back. Requests a replica. */
  readonly orderAbove: number;
  readonly drainBelow: number;
}

export interface FleetLoad {
  readonly serving: number;
  /** Ordered and not serving yet. */
  readonly starting: number;
  /** Requests taken and not ended, those that wait for any replica included. */
  readonly requests: number;
}

/**
 * Replicas wanted: in proportion to the load, those that start counted as there, so that no second order is made for the same load.
 *
 * Source: the rule of the Kubernetes horizontal autoscaler (replicas x load / target), between the two thresholds nothing changes.
 */
export function replicasWanted({ serving, starting, requests }: FleetLoad, rules: ScalingRules): number {
  const there = serving + starting;
  const mean = requests / Math.max(1, there);
  if (mean > rules.orderAbove) return Math.max(rules.least, there, Math.ceil(requests / rules.orderAbove));
  if (mean < rules.drainBelow && starting === 0)
    return Math.max(rules.least, Math.min(there, Math.ceil(requests / rules.orderAbove), there - 1));
  return Math.max(rules.least, there);
}

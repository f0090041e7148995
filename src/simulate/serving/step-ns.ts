import type { BatchShape } from "../../cost/iteration/iteration-cost.ts";
import type { ReplicaLane } from "./serving-state.ts";

/** How long an iteration of a replica takes from start to end, loads of adapters apart. Units: ns, whole, at least 1. */
export function stepNs(
  { cost, factor, overheadNs }: Pick<ReplicaLane, "cost" | "factor" | "overheadNs">,
  shape: Readonly<BatchShape>,
): number {
  return Math.max(1, Math.round(cost.iterationNs(shape) * factor + overheadNs));
}

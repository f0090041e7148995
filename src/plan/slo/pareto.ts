import { canBuy, type FleetPlan, fleetPlan } from "./fleet-plan.ts";
import type { SloProblem } from "./slo-problem.ts";

/** Replicas over those that are needed: dearer fleets are faster. */
const SCALES: readonly number[] = [1, 1.25, 1.5, 2, 3];

/** Plans that no other beats in price, time to first token and time per token at once; in order of price. */
export function paretoPlans(plans: readonly FleetPlan[]): FleetPlan[] {
  const inOrder = [...plans].sort((a, b) => a.dollarsPerHour - b.dollarsPerHour || a.ttftNs - b.ttftNs || a.tpotNs - b.tpotNs);
  const front: FleetPlan[] = [];
  for (const plan of inOrder) {
    // Those before it cost no more.
    if (!front.some((other) => other.ttftNs <= plan.ttftNs && other.tpotNs <= plan.tpotNs)) front.push(plan);
  }
  return front;
}

/** The plans with more replicas than needed too, as far as the offers go. */
export function widerPlans(problem: SloProblem, plans: readonly FleetPlan[]): FleetPlan[] {
  return plans.flatMap((plan) =>
    SCALES.flatMap((scale) => {
      const pools = plan.pools.map(({ capacity, replicas }) => ({ capacity, replicas: Math.ceil(replicas * scale) }));
      return canBuy(problem, plan.fleet, pools) ? [fleetPlan(problem, plan.fleet, pools)] : [];
    }),
  );
}

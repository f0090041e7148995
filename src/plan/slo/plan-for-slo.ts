import { err, ok, type Result } from "../../base/result.ts";
import { draftPlans, ttftShares } from "./draft-plans.ts";
import { type BuildableDesign, enumerateDesigns, type RefusedDesigns } from "./enumerate-designs.ts";
import type { FleetPlan } from "./fleet-plan.ts";
import { paretoPlans, widerPlans } from "./pareto.ts";
import type { ReplicaDesign, SloProblem } from "./slo-problem.ts";
import { type DesignCapacity, designCapacity } from "./steady/design-capacity.ts";
import type { Limit } from "./steady/steady-load.ts";

/** All that the closed forms say: plans that keep the target, by price, and what was left out and why. */
export interface SloSearch {
  readonly plans: readonly FleetPlan[];
  readonly pareto: readonly FleetPlan[];
  /** Designs whose steady state was looked for. */
  readonly designs: number;
  readonly refused: readonly RefusedDesigns[];
  /** Designs that keep the target for no rate, by what breaks for a lone request. */
  readonly tooSlow: ReadonlyMap<Limit, number>;
  readonly capacities: readonly DesignCapacity[];
}

/** Why no fleet on offer does. */
export interface NoFleet {
  readonly code: "no-design" | "too-slow" | "too-few-devices";
  readonly detail: string;
}

/** Plans from so many of the cheapest are widened for the front. */
const WIDENED = 400;

/**
 * The fleets on offer that carry a workload within a target, by closed forms of the steady state, cheapest first.
 *
 * Model: each design's largest rate that keeps the target (`designCapacity`); as many replicas as the workload's peak needs. Queues over time, caches that
 * fill, and prompts of very different lengths are left to a simulation of the plans in this order.
 * Errors: what stands in the way where no fleet does.
 */
export function planForSlo(problem: SloProblem): Result<SloSearch, NoFleet> {
  const { buildable, refused } = enumerateDesigns(problem);
  if (buildable.length === 0) return err({ code: "no-design", detail: refused.map(refusedText).join("; ") });
  const capacities: DesignCapacity[] = [];
  const tooSlow = new Map<Limit, number>();
  for (const [index, { design, replica }] of buildable.entries()) {
    const shares = ttftShares(design);
    if (shares.length > 0) {
      const found = shares.map((share) => designCapacity(problem, replica, design, share));
      for (const capacity of found) if (capacity.rate !== undefined) capacities.push(capacity);
      if (found.every(({ rate }) => rate === undefined)) tooSlow.set(found[0]!.limit, (tooSlow.get(found[0]!.limit) ?? 0) + 1);
      continue;
    }
    const before = capacities[capacities.length - 1];
    const capacity = sameBelowLimit(before, buildable[index - 1], design)
      ? { ...before!, design, replica }
      : designCapacity(problem, replica, design);
    if (capacity.rate !== undefined) capacities.push(capacity);
    else tooSlow.set(capacity.limit, (tooSlow.get(capacity.limit) ?? 0) + 1);
  }
  const plans = draftPlans(problem, capacities);
  if (plans.length === 0) return err(noFleet(capacities, tooSlow));
  const pareto = paretoPlans(widerPlans(problem, plans.slice(0, WIDENED)));
  return ok({ plans, pareto, designs: buildable.length, refused, tooSlow, capacities });
}

/** Whether a design is the one before it with a limit on sequences that its largest rate does not reach. */
function sameBelowLimit(before: DesignCapacity | undefined, last: BuildableDesign | undefined, design: ReplicaDesign): boolean {
  if (before === undefined || before.design !== last?.design) return false;
  const { engine, parallel } = design;
  const limited = { ...before.design, engine: { ...before.design.engine, maxSequences: engine.maxSequences } };
  return JSON.stringify(limited) === JSON.stringify(design) && before.state.sequences <= engine.maxSequences * parallel.data;
}

function refusedText({ code, designs, first }: RefusedDesigns): string {
  return `${designs} designs: ${code} (${first})`;
}

function noFleet(capacities: readonly DesignCapacity[], tooSlow: ReadonlyMap<Limit, number>): NoFleet {
  const slow = [...tooSlow].map(([limit, designs]) => `${limit} of ${designs}`).join(", ");
  if (capacities.length === 0) return { code: "too-slow", detail: `a lone request misses the target: ${slow} designs` };
  return { code: "too-few-devices", detail: "no offer has the devices or the budget that the rate needs" };
}

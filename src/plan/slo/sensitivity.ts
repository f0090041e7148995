import type { FleetPlan } from "./fleet-plan.ts";
import { planForSlo } from "./plan-for-slo.ts";
import type { FigureFactors, SloProblem } from "./slo-problem.ts";
import { designCapacity } from "./steady/design-capacity.ts";

/** Something of a problem that may be changed by a factor. */
export type Knob = keyof FigureFactors | "ttft target" | "tpot target" | "transfer bandwidth";

export const KNOBS: readonly Knob[] = [
  "compute",
  "memoryBandwidth",
  "memoryCapacity",
  "scaleUp",
  "network",
  "ffnLink",
  "fabric",
  "transfer bandwidth",
  "ttft target",
  "tpot target",
];

/** What a factor on one figure would give. */
export interface Sensitivity {
  readonly knob: Knob;
  readonly factor: number;
  /** Largest rate of the plan as it is, and with the figure changed; 0 where it then keeps the target for no rate. Units: requests/s. */
  readonly rateBefore: number;
  readonly rateAfter: number;
  /** Price of the cheapest plan of a new search; absent where none is found. Units: US dollars an hour. */
  readonly dollarsAfter?: number;
}

/** The problem with one thing changed. */
export function turned(problem: SloProblem, knob: Knob, factor: number): SloProblem {
  switch (knob) {
    case "ttft target":
      return { ...problem, target: { ...problem.target, ttftNs: problem.target.ttftNs * factor } };
    case "tpot target":
      return { ...problem, target: { ...problem.target, tpotNs: problem.target.tpotNs * factor } };
    case "transfer bandwidth": {
      const { transfer } = problem;
      if (transfer?.bandwidthBytesPerSecond === undefined) return problem;
      return { ...problem, transfer: { ...transfer, bandwidthBytesPerSecond: transfer.bandwidthBytesPerSecond * factor } };
    }
    default:
      return { ...problem, factors: { ...problem.factors, [knob]: (problem.factors[knob] ?? 1) * factor } };
  }
}

/**
 * What each figure would give if it were changed by a factor: two runs of the same search, one with it.
 *
 * `research`: whether the search is run again for the new cheapest plan, or only the plan's own rate is looked at.
 */
export function sensitivities(
  problem: SloProblem,
  plan: FleetPlan,
  { factor, research }: { readonly factor: number; readonly research: boolean },
): Sensitivity[] {
  return knobsOf(problem, plan)
    .map((knob) => {
      const changed = turned(problem, knob, factor);
      const found = research ? planForSlo(changed) : undefined;
      return {
        knob,
        factor,
        rateBefore: planRate(problem, plan),
        rateAfter: planRate(changed, plan),
        ...(found?.ok === true ? { dollarsAfter: found.value.plans[0]!.dollarsPerHour } : {}),
      };
    })
    .sort((a, b) => b.rateAfter - a.rateAfter);
}

/** Links that a plan has none of are no knobs of it. */
function knobsOf({ fabric, transfer }: SloProblem, { pools }: FleetPlan): Knob[] {
  const designs = pools.map(({ capacity }) => capacity.design);
  const without = new Set<Knob>();
  if (fabric === undefined) without.add("fabric");
  if (transfer?.bandwidthBytesPerSecond === undefined || designs.every(({ role }) => role === "both")) without.add("transfer bandwidth");
  if (designs.every(({ ffn }) => ffn?.link === undefined)) without.add("ffnLink");
  return KNOBS.filter((knob) => !without.has(knob));
}

/** The largest rate at which a plan's replicas, priced anew, keep the target. Units: requests/s. */
export function planRate(problem: SloProblem, { pools }: FleetPlan): number {
  const rates = new Map<string, number>();
  for (const { capacity, replicas } of pools) {
    const { design } = capacity;
    const priced = problem.price(design, problem.factors);
    const found = priced.ok ? designCapacity(problem, priced.value, design, capacity.ttftShare) : undefined;
    rates.set(design.role, (rates.get(design.role) ?? 0) + (found?.rate ?? 0) * replicas);
  }
  return Math.min(...rates.values());
}

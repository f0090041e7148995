import { canBuy, dollarsOf, type FleetPlan, fleetPlan, kindsOf, type PlannedPool } from "./fleet-plan.ts";
import type { FleetOffer, ReplicaDesign, SloProblem } from "./slo-problem.ts";
import type { DesignCapacity } from "./steady/design-capacity.ts";

/** Designs of a device and role that are worth a second look: for each number of devices the largest rates. */
const KEPT_EACH_SIZE = 2;
/** Pools of a mixed fleet that are tried against one another: the cheapest for what they carry, of each device. */
const KEPT_MIXED = 4;

/**
 * The cheapest fleets of every offer that carry the workload's peak: whole replicas of one design, of two designs on different devices, and prefill and
 * decode replicas apart. In order of price, then of time per token.
 */
export function draftPlans(problem: SloProblem, capacities: readonly DesignCapacity[]): FleetPlan[] {
  const plans = problem.fleets.flatMap((fleet) => {
    const devices = fleet.devices.map(({ device }) => device);
    const of = (role: string, device?: string): DesignCapacity[] =>
      capacities.filter(
        ({ design }) =>
          design.role === role &&
          design.imagesApart === undefined &&
          (device === undefined ? devices.includes(design.device) : design.device === device),
      );
    return [
      ...wholePlans(problem, fleet, of("both")),
      ...(devices.length > 1
        ? mixedPlans(
            problem,
            fleet,
            devices.map((device) => best(of("both", device), KEPT_MIXED)),
          )
        : []),
      ...splitPlans(problem, fleet, kept(of("prefill")), kept(of("decode"))),
      ...encodePlans(
        problem,
        fleet,
        capacities.filter(({ design }) => devices.includes(design.device)),
      ),
    ];
  });
  return plans.sort(byPrice);
}

export function byPrice(a: FleetPlan, b: FleetPlan): number {
  return a.dollarsPerHour - b.dollarsPerHour || a.tpotNs - b.tpotNs || a.ttftNs - b.ttftNs;
}

function wholePlans(problem: SloProblem, fleet: FleetOffer, capacities: readonly DesignCapacity[]): FleetPlan[] {
  return capacities.flatMap((capacity) => bought(problem, fleet, [{ capacity, replicas: needed(problem, capacity.rate) }]));
}

/** One pool on each of two kinds of devices: as many of the first as fit, the rest from the second. */
function mixedPlans(problem: SloProblem, fleet: FleetOffer, byDevice: readonly (readonly DesignCapacity[])[]): FleetPlan[] {
  const plans: FleetPlan[] = [];
  for (const [index, firsts] of byDevice.entries()) {
    for (const seconds of byDevice.slice(index + 1)) {
      for (const first of firsts) for (const second of seconds) plans.push(...mixesOf(problem, fleet, first, second));
    }
  }
  return plans;
}

/** The cheapest numbers of two designs. */
function mixesOf(problem: SloProblem, fleet: FleetOffer, first: DesignCapacity, second: DesignCapacity): FleetPlan[] {
  let best: { readonly pools: readonly PlannedPool[]; readonly dollars: number } | undefined;
  const all = needed(problem, first.rate);
  for (let replicas = 1; replicas < all; replicas++) {
    const rest = Math.ceil((problem.workload.peakRate - replicas * first.rate) / second.rate);
    const pools = [
      { capacity: first, replicas },
      { capacity: second, replicas: Math.max(1, rest) },
    ];
    if (!canBuy(problem, fleet, pools)) continue;
    const dollars = dollarsOf(fleet, pools);
    if (best === undefined || dollars < best.dollars) best = { pools, dollars };
  }
  return best === undefined ? [] : [fleetPlan(problem, fleet, best.pools)];
}

function splitPlans(
  problem: SloProblem,
  fleet: FleetOffer,
  prefills: readonly DesignCapacity[],
  decodes: readonly DesignCapacity[],
): FleetPlan[] {
  return prefills.flatMap((prefill) =>
    decodes.flatMap((decode) =>
      bought(problem, fleet, [
        { capacity: prefill, replicas: needed(problem, prefill.rate) },
        { capacity: decode, replicas: needed(problem, decode.rate) },
      ]),
    ),
  );
}

/** Of the target's time to first token, what encoders on replicas of their own may take; the rest is left to prompts. */
const ENCODE_SHARES: readonly number[] = [0.125, 0.25, 0.5];

/** Shares of that time at which a design is looked at; none where all of it is its own. */
export function ttftShares({ role, imagesApart }: ReplicaDesign): readonly number[] {
  if (role === "encode") return ENCODE_SHARES;
  return imagesApart === true ? ENCODE_SHARES.map((share) => 1 - share) : [];
}

/** Images encoded on replicas of their own, before those that compute prompts, and decode or hand over. */
function encodePlans(problem: SloProblem, fleet: FleetOffer, capacities: readonly DesignCapacity[]): FleetPlan[] {
  const decodes = kept(capacities.filter(({ design }) => design.role === "decode"));
  return ENCODE_SHARES.flatMap((share) => {
    const of = (role: string, ttftShare: number): DesignCapacity[] =>
      capacities.filter((one) => one.design.role === role && one.ttftShare === ttftShare && (role === "encode" || one.design.imagesApart));
    const [wholes, prefills] = [kept(of("both", 1 - share)), kept(of("prefill", 1 - share))];
    return best(kept(of("encode", share)), KEPT_MIXED).flatMap((encode) => {
      const first = { capacity: encode, replicas: needed(problem, encode.rate) };
      const of = (capacity: DesignCapacity): PlannedPool => ({ capacity, replicas: needed(problem, capacity.rate) });
      return [
        ...wholes.flatMap((whole) => bought(problem, fleet, [first, of(whole)])),
        ...prefills.flatMap((prefill) => decodes.flatMap((decode) => bought(problem, fleet, [first, of(prefill), of(decode)]))),
      ];
    });
  });
}

function needed({ workload }: SloProblem, rate: number): number {
  return Math.max(1, Math.ceil(workload.peakRate / rate));
}

function bought(problem: SloProblem, fleet: FleetOffer, pools: readonly PlannedPool[]): FleetPlan[] {
  return canBuy(problem, fleet, pools) ? [fleetPlan(problem, fleet, pools)] : [];
}

/** Of each device, or pair of them, and number of devices the designs with the largest rates. */
function kept(capacities: readonly DesignCapacity[]): DesignCapacity[] {
  return [...grouped(capacities).values()].flatMap((group) => group.sort((a, b) => b.rate - a.rate).slice(0, KEPT_EACH_SIZE));
}

function grouped(capacities: readonly DesignCapacity[]): Map<string, DesignCapacity[]> {
  const groups = new Map<string, DesignCapacity[]>();
  for (const capacity of capacities) {
    const key = `${kindsOf(capacity.design).join("+")} ${capacity.design.ffn === undefined ? "" : "apart "}${capacity.replica.devices}`;
    groups.set(key, [...(groups.get(key) ?? []), capacity]);
  }
  return groups;
}

function best(capacities: readonly DesignCapacity[], count: number): DesignCapacity[] {
  return [...capacities].sort((a, b) => b.rate / b.replica.devices - a.rate / a.replica.devices).slice(0, count);
}

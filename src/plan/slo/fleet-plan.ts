import type { Parallelism } from "../deployment/deployment.ts";
import type { FleetOffer, ReplicaDesign, SloProblem } from "./slo-problem.ts";
import { type DesignCapacity, steadyState } from "./steady/design-capacity.ts";
import type { Limit } from "./steady/steady-load.ts";

/** Equal replicas of a plan. */
export interface PlannedPool {
  readonly capacity: DesignCapacity;
  readonly replicas: number;
}

/** Replicas of designs from one offer, with what the closed forms say of them at the workload's peak. */
export interface FleetPlan {
  readonly fleet: FleetOffer;
  readonly pools: readonly PlannedPool[];
  /** Units: US dollars an hour. */
  readonly dollarsPerHour: number;
  readonly devices: number;
  /** The largest rate that keeps the target. Units: requests/s. */
  readonly rate: number;
  /** At the peak rate and the target's percentile. Units: ns. */
  readonly ttftNs: number;
  readonly tpotNs: number;
  /** What stops it at its largest rate, and in which pool. */
  readonly limit: Limit;
  readonly limitPool: number;
}

export function devicesOf({ tensor, pipeline, data, context }: Parallelism): number {
  return tensor * pipeline * data * context;
}

/** Devices of a replica that are its feed-forwards' alone. */
export function ffnDevicesOf({ ffn }: Pick<ReplicaDesign, "ffn">): number {
  return ffn === undefined ? 0 : ffn.parallel.tensor * ffn.parallel.expert;
}

/** Kinds of devices of a replica: attention's, and the feed-forwards' where they are apart. */
export function kindsOf({ device, ffn }: ReplicaDesign): readonly string[] {
  return ffn === undefined || ffn.device === device ? [device] : [device, ffn.device];
}

/** Devices of a kind that a plan takes. */
export function devicesTaken(pools: readonly PlannedPool[], device: string): number {
  return pools.reduce((sum, { capacity: { design, replica }, replicas }) => {
    const apart = ffnDevicesOf(design);
    const own = design.device === device ? replica.devices - apart : 0;
    return sum + (own + (design.ffn?.device === device ? apart : 0)) * replicas;
  }, 0);
}

/** Whether the offer has the devices, the fabric the machines, and the budget the money. */
export function canBuy({ budget, fabric }: SloProblem, fleet: FleetOffer, pools: readonly PlannedPool[]): boolean {
  const enough = fleet.devices.every(({ device, count }) => devicesTaken(pools, device) <= count);
  const offered = pools.every(({ capacity }) =>
    kindsOf(capacity.design).every((kind) => fleet.devices.some(({ device }) => device === kind)),
  );
  if (fabric?.fits(pools.map(({ capacity: { design }, replicas }) => ({ design, replicas }))) === false) return false;
  return enough && offered && (budget === undefined || dollarsOf(fleet, pools) <= budget);
}

export function dollarsOf(fleet: FleetOffer, pools: readonly PlannedPool[]): number {
  return fleet.devices.reduce((sum, { device, dollarsPerHour }) => sum + devicesTaken(pools, device) * dollarsPerHour, 0);
}

/** The plan of some pools at the workload's peak. Pools of one role share the load in proportion to what they carry. */
export function fleetPlan(problem: SloProblem, fleet: FleetOffer, pools: readonly PlannedPool[]): FleetPlan {
  const { peakRate } = problem.workload;
  const rates = roleRates(pools);
  let ttftNs = 0;
  let encodeNs = 0;
  let tpotNs = 0;
  for (const { capacity } of pools) {
    const share = capacity.rate / (rates.get(capacity.design.role) ?? 1);
    const state = steadyState(problem, capacity.replica, capacity.design, peakRate * share);
    // Images are encoded before the request is routed.
    if (capacity.design.role === "encode") encodeNs = Math.max(encodeNs, state.ttftNs);
    else ttftNs = Math.max(ttftNs, state.ttftNs);
    tpotNs = Math.max(tpotNs, state.tpotNs);
  }
  const rate = Math.min(...rates.values());
  const limitPool = pools.findIndex(({ capacity }) => rates.get(capacity.design.role) === rate);
  return {
    fleet,
    pools,
    dollarsPerHour: dollarsOf(fleet, pools),
    devices: pools.reduce((sum, { capacity, replicas }) => sum + capacity.replica.devices * replicas, 0),
    rate,
    ttftNs: encodeNs + ttftNs,
    tpotNs,
    limit: pools[limitPool]!.capacity.limit,
    limitPool,
  };
}

/** What the pools of each role carry together. Units: requests/s. */
function roleRates(pools: readonly PlannedPool[]): Map<ReplicaDesign["role"], number> {
  const rates = new Map<ReplicaDesign["role"], number>();
  for (const { capacity, replicas } of pools) {
    const { role } = capacity.design;
    rates.set(role, (rates.get(role) ?? 0) + capacity.rate * replicas);
  }
  return rates;
}

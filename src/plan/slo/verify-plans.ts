import { byPrice } from "./draft-plans.ts";
import { holdsText } from "./explain-plan.ts";
import { canBuy, dollarsOf, type FleetPlan, fleetPlan, kindsOf, type PlannedPool } from "./fleet-plan.ts";
import type { SloProblem } from "./slo-problem.ts";

/** What a simulation of every request says of a plan. */
export interface SimulatedPlan {
  /** At the target's percentile, of all requests. Units: ns. */
  readonly ttftNs: number;
  readonly tpotNs: number;
  /** Of requests that keep both targets. Ratio. */
  readonly attained: number;
  /** Of prompt tokens, those found cached. Ratio. */
  readonly cachedShare: number;
  /** Of images, those found encoded; absent: there are none. Ratio. */
  readonly imagesFoundShare?: number;
  readonly met: boolean;
}

/** Runs a plan on the requests themselves. Equal plans get equal answers. */
export type PlanSimulator = (plan: FleetPlan) => Promise<SimulatedPlan>;

export interface VerifiedPlan {
  readonly plan: FleetPlan;
  readonly simulated: SimulatedPlan;
}

/** What a search with simulations found. */
export interface Verification {
  /** The cheapest plan that keeps the target when it is simulated; absent where none does. */
  readonly chosen?: VerifiedPlan;
  /** Every plan that was simulated, in the order of the simulations. */
  readonly tried: readonly VerifiedPlan[];
  /** Plans that could be cheaper by the closed forms' slack and were not simulated, because the simulations ran out. */
  readonly untried: number;
  /** Families of which a plan of the same kind (devices and roles) that should do as well failed. */
  readonly presumed: number;
}

export interface VerifyOptions {
  readonly simulationsMax: number;
  readonly shouldStop?: () => boolean;
  readonly onTried?: (tried: readonly VerifiedPlan[]) => void;
}

/**
 * How far the closed forms may be off: a plan is looked at where they say that it carries this share of the peak rate. Source: bench `plan-slo`, where they
 * were off by less on every plan that was simulated.
 */
const SLACK = 0.85;
/** Plans that differ in limits of the engine alone and are simulated. */
const VARIANTS_MAX = 2;
/** Requests attained over those wanted, from which on a plan is near; replicas added over those there, where it is not. */
const NEAR = 0.8;
const STEP = 0.2;
/** Ways to put a fleet together that are looked at. */
const FAMILIES_MAX = 400;

/**
 * The cheapest plan that keeps its target when every request is simulated.
 *
 * Model: families (the same designs in other numbers) in order of what the closed forms say. In each the numbers of replicas are moved: fewer while the
 * target is kept, more where it is missed, always below the best price so far. A family that could not be cheaper even if the closed forms were off by
 * `SLACK` is not looked at.
 */
export async function verifyPlans(
  problem: SloProblem,
  plans: readonly FleetPlan[],
  options: VerifyOptions & { readonly simulate: PlanSimulator },
): Promise<Verification> {
  const state: SearchState = { problem, options, known: new Map(), tried: [], best: undefined };
  const families = distinctFamilies(plans).slice(0, FAMILIES_MAX);
  let untried = 0;
  let presumed = 0;
  for (const family of families) {
    if (leastDollars(problem, family) >= priceOf(state.best)) continue;
    if (exhausted(state)) untried++;
    else if (failsLikeOthers(state, family)) presumed++;
    else if (!(await descend(state, family))) untried++;
  }
  return { ...(state.best === undefined ? {} : { chosen: state.best }), tried: state.tried, untried, presumed };
}

interface SearchState {
  readonly problem: SloProblem;
  readonly options: VerifyOptions & { readonly simulate: PlanSimulator };
  readonly known: Map<string, VerifiedPlan>;
  readonly tried: VerifiedPlan[];
  best: VerifiedPlan | undefined;
}

/** Whether a plan of the same kind failed that is, by the closed forms, as fast in both measures and carries as much as this
 * family below the best price. */
function failsLikeOthers(state: SearchState, family: FleetPlan): boolean {
  // Dearer members of the family are left where there is no best plan yet.
  if (state.best === undefined) return false;
  const pools = belowBest(state, family.pools, family);
  if (pools === undefined) return true;
  const { ttftNs, tpotNs, rate } = fleetPlan(state.problem, family.fleet, pools);
  const kind = kindKey(family);
  return state.tried.some(
    ({ plan, simulated: { met } }) => !met && kindKey(plan) === kind && plan.rate >= rate && plan.ttftNs <= ttftNs && plan.tpotNs <= tpotNs,
  );
}

function kindKey({ fleet, pools }: FleetPlan): string {
  return `${fleet.name}|${pools.map(({ capacity: { design } }) => `${design.role} ${kindsOf(design).join("+")}${design.ffn === undefined ? "" : " apart"}`).join("|")}`;
}

function exhausted({ options, tried }: SearchState): boolean {
  return tried.length >= options.simulationsMax || options.shouldStop?.() === true;
}

function priceOf(best: VerifiedPlan | undefined): number {
  return best?.plan.dollarsPerHour ?? Number.POSITIVE_INFINITY;
}

/** The price with as few replicas as the closed forms' errors could allow. */
function leastDollars(problem: SloProblem, { fleet, pools }: FleetPlan): number {
  return dollarsOf(
    fleet,
    pools.map((pool) => ({ ...pool, replicas: leastReplicas(problem, pools, pool) })),
  );
}

/** Pools of one role share the load as they do in the plan. */
function leastReplicas({ workload }: SloProblem, pools: readonly PlannedPool[], { capacity, replicas }: PlannedPool): number {
  const { role } = capacity.design;
  const together = pools.reduce((sum, each) => sum + (each.capacity.design.role === role ? each.capacity.rate * each.replicas : 0), 0);
  return Math.max(1, Math.ceil((replicas * workload.peakRate * SLACK) / together));
}

/** One plan of each combination of designs: the first, which is the cheapest. */
function distinctFamilies(plans: readonly FleetPlan[]): FleetPlan[] {
  const families = new Map<string, FleetPlan>();
  const variants = new Map<string, number>();
  for (const plan of [...plans].sort(byPrice)) {
    const key = familyKey(plan);
    const cuts = `${plan.fleet.name}|${plan.pools.map(({ capacity: { design } }) => JSON.stringify({ ...design, engine: holdsText(design.engine) })).join("|")}`;
    const count = variants.get(cuts) ?? 0;
    if (families.has(key) || count >= VARIANTS_MAX) continue;
    families.set(key, plan);
    variants.set(cuts, count + 1);
  }
  return [...families.values()];
}

function familyKey({ fleet, pools }: FleetPlan): string {
  return `${fleet.name}|${pools.map(({ capacity }) => JSON.stringify(capacity.design)).join("|")}`;
}

/** Moves the numbers of one family. Gives false where the simulations ran out before it was done. */
async function descend(state: SearchState, family: FleetPlan): Promise<boolean> {
  let pools: readonly PlannedPool[] | undefined = belowBest(state, family.pools, family);
  const seen = new Set<string>();
  while (pools !== undefined) {
    const key = pools.map(({ replicas }) => replicas).join(",");
    if (seen.has(key)) return true;
    seen.add(key);
    if (exhausted(state)) return false;
    const result = await simulated(state, fleetPlan(state.problem, family.fleet, pools));
    pools = result.simulated.met ? await fewer(state, family, pools) : more(state, family, pools, result);
    if (pools !== undefined && dollars(family, pools) >= priceOf(state.best)) return true;
  }
  return true;
}

/** Replicas are taken away until the price is below the best one. */
function belowBest(state: SearchState, pools: readonly PlannedPool[], family: FleetPlan): readonly PlannedPool[] | undefined {
  let at = pools;
  while (dollars(family, at) >= priceOf(state.best)) {
    const largest = at.reduce((most, pool, index) => (pool.replicas > at[most]!.replicas ? index : most), 0);
    if (at[largest]!.replicas === 1) return undefined;
    at = changed(at, largest, -1);
    if (at[largest]!.replicas < leastReplicas(state.problem, family.pools, family.pools[largest]!)) return undefined;
  }
  return at;
}

/** One replica fewer in the pool where that saves most and the target is still kept; simulated as it is looked for. */
async function fewer(state: SearchState, family: FleetPlan, pools: readonly PlannedPool[]): Promise<readonly PlannedPool[] | undefined> {
  const order = pools
    .map((pool, index) => ({ index, replicas: pool.replicas, saved: dollars(family, pools) - dollars(family, changed(pools, index, -1)) }))
    .filter(({ index, replicas }) => replicas > leastReplicas(state.problem, family.pools, family.pools[index]!))
    .sort((a, b) => b.saved - a.saved);
  for (const { index } of order) {
    if (exhausted(state)) return undefined;
    const next = changed(pools, index, -1);
    if ((await simulated(state, fleetPlan(state.problem, family.fleet, next))).simulated.met) return next;
  }
  return undefined;
}

/** One replica more in the pool whose measure is missed by the larger factor. */
function more(
  state: SearchState,
  family: FleetPlan,
  pools: readonly PlannedPool[],
  { simulated }: VerifiedPlan,
): readonly PlannedPool[] | undefined {
  const { problem } = state;
  const { target } = problem;
  const late = simulated.ttftNs / target.ttftNs >= simulated.tpotNs / target.tpotNs;
  const wanted = late
    ? lateTo(pools)
    : pools.findIndex(({ capacity }) => capacity.design.role === (hasEncoders(pools) ? lastRole(pools) : "decode"));
  const cheapest = pools.reduce((least, _pool, index) => (added(family, pools, index) < added(family, pools, least) ? index : least), 0);
  const at = wanted < 0 ? cheapest : wanted;
  // Far from the target a step is as long as a part of the fleet; what is too much is taken back afterwards.
  const step = simulated.attained > problem.target.percentile * NEAR ? 1 : Math.max(1, Math.floor(pools[at]!.replicas * STEP));
  const next = changed(pools, at, step);
  if (next[at]!.replicas > Math.max(family.pools[at]!.replicas / SLACK, family.pools[at]!.replicas + 1)) return undefined;
  return canBuy(problem, family.fleet, next) && dollars(family, next) < priceOf(state.best) ? next : undefined;
}

function hasEncoders(pools: readonly PlannedPool[]): boolean {
  return pools.some(({ capacity }) => capacity.design.role === "encode");
}

/** The role that decodes. */
function lastRole(pools: readonly PlannedPool[]): string {
  return pools.some(({ capacity }) => capacity.design.role === "decode") ? "decode" : "both";
}

/** Where first tokens wait: with encoders on replicas of their own, of those and of prompts' the ones that carry less. */
function lateTo(pools: readonly PlannedPool[]): number {
  if (!hasEncoders(pools)) return pools.findIndex(({ capacity }) => capacity.design.role === "prefill");
  const carries = ({ capacity, replicas }: PlannedPool): number =>
    capacity.design.role === "decode" ? Number.POSITIVE_INFINITY : capacity.rate * replicas;
  return pools.reduce((least, pool, index) => (carries(pool) < carries(pools[least]!) ? index : least), 0);
}

function added(family: FleetPlan, pools: readonly PlannedPool[], index: number): number {
  return dollars(family, changed(pools, index, 1));
}

function changed(pools: readonly PlannedPool[], index: number, by: number): readonly PlannedPool[] {
  return pools.map((pool, at) => (at === index ? { ...pool, replicas: pool.replicas + by } : pool));
}

function dollars({ fleet }: FleetPlan, pools: readonly PlannedPool[]): number {
  return dollarsOf(fleet, pools);
}

async function simulated(state: SearchState, plan: FleetPlan): Promise<VerifiedPlan> {
  const key = `${familyKey(plan)}|${plan.pools.map(({ replicas }) => replicas).join(",")}`;
  const known = state.known.get(key);
  if (known !== undefined) return known;
  const verified = { plan, simulated: await state.options.simulate(plan) };
  state.known.set(key, verified);
  state.tried.push(verified);
  state.options.onTried?.(state.tried);
  if (verified.simulated.met && (state.best === undefined || byPrice(plan, state.best.plan) < 0)) state.best = verified;
  return verified;
}

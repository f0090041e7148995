import { type LayerFlowProblem, layersMax, type Placement, rateOf } from "./problem.ts";

/** Placements to start from, each with the rule that made it. */
export interface Start {
  readonly rule: "chain" | "weakest" | "kinds" | "even";
  readonly placement: Placement;
}

/**
 * Simple placements: one chain in which every machine takes as many layers as a wanted flow allows (for many flows, and orders that stay on fast links),
 * layers to whoever comes where the rate is weakest (as Petals does), one pipeline for each kind, and equal pieces (as Swarm does).
 */
export function* starts(problem: LayerFlowProblem): Iterable<Start> {
  const rates = [...new Set(problem.kinds.flatMap(({ tokensPerSec }) => tokensPerSec))].sort((a, b) => b - a);
  for (let first = 0; first < problem.machines.length; first++) {
    const order = nearest(problem, first);
    for (const rate of rates) {
      const placement = chain(problem, order, rate);
      if (placement !== undefined) yield { rule: "chain", placement };
    }
    yield { rule: "weakest", placement: weakest(problem, order) };
  }
  yield { rule: "kinds", placement: kindPipelines(problem) };
  for (let pieces = 1; pieces <= problem.layers; pieces++) {
    const placement = even(problem, pieces);
    if (placement !== undefined) yield { rule: "even", placement };
  }
}

/** Machines in an order that goes on over the fastest link, from one on; like kinds first among equals. */
function nearest({ machines, links }: LayerFlowProblem, first: number): readonly number[] {
  const order = [first];
  const rest = new Set(machines.keys());
  rest.delete(first);
  while (rest.size > 0) {
    const from = order.at(-1)!;
    let best = -1;
    for (const to of rest) {
      const rise = best < 0 ? 1 : links[from * machines.length + to]! - links[from * machines.length + best]!;
      const like = Number(machines[to] === machines[from]) - Number(machines[best] === machines[from]);
      if (rise > 0 || (rise === 0 && like > 0)) best = to;
    }
    order.push(best);
    rest.delete(best);
  }
  return order;
}

/** One machine after the other with as many layers as keep the rate, what is too much taken off where most are held; machines left over double others. */
function chain(problem: LayerFlowProblem, order: readonly number[], rate: number): Placement | undefined {
  const counts = order.map((machine) => {
    let most = 0;
    for (let k = 1; k <= layersMax(problem, machine); k++) if (rateOf(problem, machine, k) >= rate) most = k;
    return most;
  });
  let surplus = counts.reduce((sum, count) => sum + count, 0) - problem.layers;
  if (surplus < 0) return undefined;
  while (surplus > 0) {
    const at = counts.reduce((best, count, i) => (count > counts[best]! ? i : best), 0);
    counts[at]!--;
    surplus--;
  }
  const start = new Int32Array(order.length);
  const count = new Int32Array(order.length);
  let next = 0;
  order.forEach((machine, i) => {
    start[machine] = Math.min(next, problem.layers - 1);
    count[machine] = counts[i]!;
    next += counts[i]!;
  });
  return { start, count };
}

/** Each machine takes the most layers it holds where the rates there are sum up to least. */
function weakest(problem: LayerFlowProblem, order: readonly number[]): Placement {
  const start = new Int32Array(order.length);
  const count = new Int32Array(order.length);
  const covered = new Float64Array(problem.layers);
  for (const machine of order) {
    const held = layersMax(problem, machine);
    let at = 0;
    let least = Infinity;
    for (let from = 0; from + held <= problem.layers; from++) {
      const sum = covered.subarray(from, from + held).reduce((a, b) => a + b, 0);
      if (sum < least) [at, least] = [from, sum];
    }
    start[machine] = at;
    count[machine] = held;
    for (let layer = at; layer < at + held; layer++) covered[layer] = covered[layer]! + rateOf(problem, machine, held);
  }
  return { start, count };
}

/** Machines of a kind share the layers evenly, as many times over as they can; kinds that cannot hold them all are left out. */
function kindPipelines(problem: LayerFlowProblem): Placement {
  const start = new Int32Array(problem.machines.length);
  const count = new Int32Array(problem.machines.length);
  problem.kinds.forEach((_kind, kind) => {
    const members = [...problem.machines.keys()].filter((machine) => problem.machines[machine] === kind);
    if (members.length === 0) return;
    const length = Math.ceil(problem.layers / layersMax(problem, members[0]!));
    for (let pipeline = 0; (pipeline + 1) * length <= members.length; pipeline++) {
      spread(problem.layers, members.slice(pipeline * length, (pipeline + 1) * length), { start, count });
    }
  });
  return { start, count };
}

/** Equal pieces, each held by machine after machine in turn; `undefined` where one of them cannot hold a piece. */
function even(problem: LayerFlowProblem, pieces: number): Placement | undefined {
  const size = Math.ceil(problem.layers / pieces);
  if (problem.machines.some((_kind, machine) => layersMax(problem, machine) < size) || pieces > problem.machines.length) return undefined;
  const start = Int32Array.from(problem.machines, (_kind, i) => Math.min((i % pieces) * size, problem.layers));
  return { start, count: start.map((first) => Math.min(size, problem.layers - first)) };
}

function spread(layers: number, members: readonly number[], { start, count }: Placement): void {
  members.forEach((machine, i) => {
    start[machine] = Math.floor((i * layers) / members.length);
    count[machine] = Math.floor(((i + 1) * layers) / members.length) - start[machine]!;
  });
}

import { coverBound } from "./bounds.ts";
import { type Cover, cheapestCover } from "./cheapest-cover.ts";
import { type LayerFlowProblem, layersMax, rateOf } from "./problem.ts";

/** Halvings of the range in which the bound lies. */
const HALVINGS = 60;
/** A difference of prices that is rounding. */
const ROUNDING = 1e-9;

/**
 * A flow that no placement exceeds; at most the cover bound.
 *
 * Model: to pass F, every layer needs carriers whose rates sum to F. Let a machine cost what it would hold alone at F, and a carrier with k layers 1/k of
 * its machine for each layer; then the cheapest carriers for one layer, times the layers, are a part of all machines' cost, or F is out of reach. Where no
 * set of machines with links as wide as F can hold all layers one by one, at least one layer needs two carriers, and its dearer price is taken.
 */
export function layerBound(problem: LayerFlowProblem): number {
  let high = coverBound(problem);
  if (!outOfReach(problem, high * (1 - ROUNDING))) return high;
  let low = 0;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (outOfReach(problem, middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Whether it is proven that no placement passes so much. */
function outOfReach(problem: LayerFlowProblem, flow: number): boolean {
  const alone = problem.kinds.map(({ tokensPerSec }) =>
    tokensPerSec.reduce((most, rate, at) => (rate >= flow && at < problem.layers ? at + 1 : most), 0),
  );
  // A kind that holds no layer alone has a price as well: the part of the flow its best range carries.
  const price = problem.kinds.map(({ tokensPerSec }, kind) =>
    alone[kind]! > 0 ? alone[kind]! : tokensPerSec.reduce((most, rate, at) => Math.max(most, ((at + 1) * rate) / flow), 0),
  );
  const limits = problem.kinds.map((_kind, kind) => problem.machines.filter((of) => of === kind).length);
  const covers: Cover[] = problem.kinds.flatMap(({ tokensPerSec }, kind) =>
    tokensPerSec.map((size, at) => ({ price: price[kind]! / (at + 1), size, kind })),
  );
  const all = problem.machines.reduce((sum, kind) => sum + price[kind]!, 0);
  const one = cheapestCover(covers, { size: flow, count: 1, limits });
  const several = chainFits(problem, flow) ? one : cheapestCover(covers, { size: flow, count: 2, limits });
  return (problem.layers - 1) * one + Math.max(one, several) > all * (1 + ROUNDING);
}

/** Whether machines that links as wide as the flow join, one way or the other, hold all layers with none held twice. */
function chainFits(problem: LayerFlowProblem, flow: number): boolean {
  const count = problem.machines.length;
  const seen = new Uint8Array(count);
  for (let first = 0; first < count; first++) {
    if (seen[first] === 1) continue;
    seen[first] = 1;
    const joined = [first];
    for (const machine of joined) {
      for (let other = 0; other < count; other++) {
        const width = Math.max(problem.links[machine * count + other]!, problem.links[other * count + machine]!);
        if (seen[other] === 1 || width < flow) continue;
        seen[other] = 1;
        joined.push(other);
      }
    }
    const held = joined.reduce((sum, machine) => {
      let most = 0;
      for (let k = 1; k <= layersMax(problem, machine); k++) if (rateOf(problem, machine, k) >= flow) most = k;
      return sum + most;
    }, 0);
    if (held >= problem.layers) return true;
  }
  return false;
}

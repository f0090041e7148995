import type { Route } from "./evaluate.ts";
import { addEdge, clearNetwork, type FlowNetwork, flowNetwork, maxFlow } from "./max-flow.ts";
import { type LayerFlowProblem, type Placement, rateOf } from "./problem.ts";

/** The network of a placement, built anew in the same memory for each one that is scored. */
export interface FlowScorer {
  readonly problem: LayerFlowProblem;
  readonly network: FlowNetwork;
}

export function flowScorer(problem: LayerFlowProblem): FlowScorer {
  const count = problem.machines.length;
  return { problem, network: flowNetwork(2 + 2 * count, count * (count + 3)) };
}

/**
 * Tokens a second through a placement. Ranges that go wrong are left to the evaluator: the search makes none.
 *
 * Complexity: O(machines^2) to build; two dozen machines are scored some 50,000 times a second.
 */
export function flowOf({ problem, network }: FlowScorer, { start, count }: Placement, limits?: Float64Array): number {
  const { layers, links, sourceLinks, sinkLinks, overlap } = problem;
  const machines = problem.machines.length;
  clearNetwork(network);
  for (let i = 0; i < machines; i++) {
    if (count[i] === 0) continue;
    const end = start[i]! + count[i]!;
    const rate = rateOf(problem, i, count[i]!);
    addEdge(network, { from: 2 + 2 * i, to: 3 + 2 * i }, limits === undefined ? rate : Math.min(rate, limits[i]!));
    if (start[i] === 0) addEdge(network, { from: 0, to: 2 + 2 * i }, sourceLinks[i]!);
    if (end === layers) addEdge(network, { from: 3 + 2 * i, to: 1 }, sinkLinks[i]!);
    for (let j = 0; j < machines; j++) {
      const first = start[j]!;
      if (first > end || (first < end && !(overlap && end < first + count[j]!)) || count[j] === 0 || j === i) continue;
      addEdge(network, { from: 3 + 2 * i, to: 2 + 2 * j }, links[i * machines + j]!);
    }
  }
  return maxFlow(network, 0, 1);
}

/** Flow over every link that carries any, of the placement scored last; ends as in the evaluator's routes. */
export function routesIn({ problem, network }: FlowScorer): readonly Route[] {
  const machines = problem.machines.length;
  const routes: Route[] = [];
  for (let edge = 0; edge < network.edges; edge += 2) {
    const from = network.target[edge ^ 1]!;
    const to = network.target[edge]!;
    const flow = network.left[edge ^ 1]!;
    // Odd nodes hand out, even ones take in; 0 and 1 are the two ends.
    const within = from >= 2 && to === from + 1 && from % 2 === 0;
    if (flow > 0 && !within) routes.push({ from: from === 0 ? -1 : (from - 3) / 2, to: to === 1 ? machines : (to - 2) / 2, flow });
  }
  return routes;
}

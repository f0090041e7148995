import { evaluated } from "../../inspect/classify/crossing.ts";
import { bytesOfTensor } from "../../inspect/tensor-bytes.ts";
import { graphProblem } from "../partition/graph-problem.ts";
import type { PartitionProblem } from "../partition/problem.ts";
import type { DeviceSet } from "./device-sets.ts";
import { type GraphRunAt, operatorCosts } from "./operator-costs.ts";

/** Places a graph's run on a set of devices. Units: ns and bytes. */
export function placementProblem(run: GraphRunAt, { types }: DeviceSet): PartitionProblem {
  const costs = operatorCosts(run, types);
  return graphProblem({
    graph: run.graph,
    types,
    costsOf: (_operator, id) => costs[id]!,
    stateBytes: (state) => evaluated(bytesOfTensor(run.graph.states[state]!), run.sizes) ?? 0,
  });
}

import type { Bindings } from "../../graph/ir/expression.ts";
import type { Graph, OperatorId } from "../../graph/ir/graph.ts";
import { readBy } from "../../graph/ir/read-by.ts";
import { evaluated } from "../../inspect/classify/crossing.ts";
import type { DeviceFigures } from "../../inspect/classify/device-figures.ts";
import { knownBytes } from "../../inspect/tensor-bytes.ts";
import type { DeviceKindOfSet } from "../place-graph/device-sets.ts";
import { operatorCosts } from "../place-graph/operator-costs.ts";
import type { CutProblem, CutValue } from "./cut-problem.ts";

/** Times of operators on kinds of devices, as priors; undefined where the device's figures say nothing of it. Units: ns. */
export type OperatorTimes = readonly (readonly (number | undefined)[])[];

/**
 * A device that stands for one without figures where pieces of a graph are weighed against each other: one core of a small CPU. What it gives is never
 * shown as a prediction.
 */
const UNKNOWN_DEVICE: DeviceFigures = {
  id: "unknown",
  kind: "cpu",
  peaks: [{ type: "f64", operationsPerSecond: 2e10, basis: "data-sheet", source: "assumed" }],
  bandwidth: { bytesPerSecond: 1e10, basis: "data-sheet", source: "assumed" },
  overheads: { launchNs: 10_000, operatorNs: 1_000, basis: "data-sheet", source: "assumed" },
  link: undefined,
  memory: { id: "unknown", capacityBytes: 0, sharedWith: [], basis: "data-sheet", source: "assumed" },
};

/** Roofline times of every operator on each kind of device. `weights` are the same where nothing is known: to weigh pieces, not to predict. */
export function operatorTimes(
  graph: Graph,
  sizes: Bindings,
  devices: readonly DeviceFigures[],
): { readonly known: OperatorTimes; readonly weights: readonly (readonly number[])[] } {
  const kinds = [...devices, UNKNOWN_DEVICE].map(
    (figures): DeviceKindOfSet => ({
      name: figures.id,
      count: 1,
      memoryBytes: 0,
      link: { bytesPerSecond: 1, latencyNs: 0 },
      figures,
      ids: [],
    }),
  );
  const costs = operatorCosts({ graph, sizes, type: productType(graph) }, kinds);
  const known = costs.map(({ times }) => devices.map((_device, at) => (times[at]! < Infinity ? times[at]! : undefined)));
  const weights = costs.map(({ times }) => devices.map((_device, at) => (times[at]! < Infinity ? times[at]! : times[devices.length]!)));
  return { known, weights };
}

/** Type most bytes of weights have: products are of it. */
function productType(graph: Graph): Graph["tensors"][number]["type"] {
  const bytes = new Map<Graph["tensors"][number]["type"], number>();
  for (const tensor of graph.tensors) {
    if (tensor.origin === "weight") bytes.set(tensor.type, (bytes.get(tensor.type) ?? 0) + (evaluated(knownBytes(tensor), {}) ?? 0));
  }
  return [...bytes].reduce<readonly [Graph["tensors"][number]["type"], number]>(
    (most, one) => (one[1] > most[1] ? one : most),
    ["f32", 0],
  )[0];
}

/**
 * A graph as a problem of where to cut in which some operators are one node, and so one stage. `groups`: convex and apart; their times are given beside
 * them. Returns the operators of each node.
 */
export function groupedCut(
  whole: CutProblem,
  groups: readonly { readonly operators: readonly OperatorId[]; readonly times: readonly number[] }[],
): { readonly problem: CutProblem; readonly members: readonly (readonly OperatorId[])[] } {
  const grouped = new Set(groups.flatMap(({ operators }) => operators));
  const alone = whole.nodes.flatMap((_node, id) => (grouped.has(id) ? [] : [[id]]));
  const members = [...alone, ...groups.map(({ operators }) => operators)];
  const nodeOf = new Map(members.flatMap((ids, node) => ids.map((id) => [id, node] as const)));
  const values = whole.values.flatMap(({ producer, readers, bytes }): CutValue[] => {
    const from = producer === undefined ? undefined : nodeOf.get(producer)!;
    const to = [...new Set(readers.map((id) => nodeOf.get(id)!))].filter((node) => node !== from);
    return to.length === 0 ? [] : [{ producer: from, readers: to, bytes }];
  });
  const nodes = [...alone.map(([id]) => whole.nodes[id!]!), ...groups.map(({ times }) => ({ times, alone: true }))];
  return { problem: { ...whole, nodes, values }, members };
}

/** A graph as a problem of where to cut. `times`: by operator and device, Infinity where it cannot run. */
export function graphCut(graph: Graph, sizes: Bindings, times: readonly (readonly number[])[]): CutProblem {
  const producer = new Map<number, OperatorId>();
  const readers = new Map<number, OperatorId[]>();
  for (const [id, operator] of graph.operators.entries()) {
    for (const output of operator.outputs) if (output !== undefined) producer.set(output, id);
    for (const input of readBy(operator)) readers.set(input, [...(readers.get(input) ?? []), id]);
  }
  const values = [...readers].flatMap(([tensor, ids]): CutValue[] => {
    const { origin } = graph.tensors[tensor]!;
    if (origin === "weight" || origin === "constant") return [];
    return [{ producer: producer.get(tensor), readers: ids, bytes: evaluated(knownBytes(graph.tensors[tensor]!), sizes) ?? 0 }];
  });
  return { nodes: times.map((row) => ({ times: row })), values, devices: times[0]?.length ?? 0 };
}

import type { Graph, Operator, OperatorId, StateId, TensorId } from "../../graph/ir/graph.ts";
import { readBy } from "../../graph/ir/read-by.ts";
import type { OperatorNode, PartitionProblem } from "./problem.ts";

/** A kind of device a graph may be placed on. */
export interface PlacedType {
  readonly name: string;
  readonly count: number;
  readonly memoryBytes: number;
  /** What a transfer of a device of this kind goes over. */
  readonly link: { readonly bytesPerSecond: number; readonly latencyNs: number };
}

/** What an operator costs, at given sizes. */
export interface OperatorCosts {
  /** On each device type, in ns; Infinity where it cannot run there. */
  readonly times: readonly number[];
  /** Weights and constants that lie where it runs. */
  readonly weightBytes: number;
  /** Outputs that other operators read. */
  readonly outputBytes: number;
}

export interface GraphQuestion {
  readonly graph: Graph;
  readonly types: readonly PlacedType[];
  readonly costsOf: (operator: Operator, id: OperatorId) => OperatorCosts;
  readonly stateBytes: (state: StateId) => number;
}

const NS_PER_SECOND = 1e9;

/**
 * A graph of operators as a placement problem in ns and bytes.
 *
 * Model: operators that touch the same state share a device and the state lies there once; a weight that several operators read is held by each (on one
 * device it is counted more than once). A transfer takes latency + bytes / bandwidth of the device's link, on the side that sends and on each that
 * receives; the problem knows one cost an output, so unlike links are factors of it: exact for the bandwidth, and for the latency where links have one
 * latency x bandwidth.
 */
export function graphProblem({ graph, types, costsOf, stateBytes }: GraphQuestion): PartitionProblem {
  const fastest = types.reduce((best, type) => (type.link.bytesPerSecond > best.link.bytesPerSecond ? type : best)).link;
  const colours = coloursOf(graph);
  const homes = new Map<StateId, OperatorId>();
  graph.operators.forEach(({ accesses }, id) => {
    for (const { state } of accesses) if (!homes.has(state)) homes.set(state, id);
  });
  const held = new Float64Array(graph.operators.length);
  for (const [state, home] of homes) held[home] = held[home]! + stateBytes(state);
  const nodes = graph.operators.map((operator, id): OperatorNode => {
    const { times, weightBytes, outputBytes } = costsOf(operator, id);
    const colour = colours.get(id);
    return {
      times,
      bytes: weightBytes + held[id]!,
      outputCost: outputBytes === 0 ? 0 : fastest.latencyNs + (outputBytes / fastest.bytesPerSecond) * NS_PER_SECOND,
      ...(colour === undefined ? {} : { colour }),
      backward: false,
    };
  });
  return {
    types: types.map(({ name, count, memoryBytes, link }) => ({
      name,
      count,
      memoryBytes,
      transferFactor: types.length === 1 ? 1 : fastest.bytesPerSecond / link.bytesPerSecond,
    })),
    nodes,
    edges: edgesOf(graph),
  };
}

function edgesOf(graph: Graph): PartitionProblem["edges"] {
  const maker = new Map<TensorId, OperatorId>();
  const edges: (readonly [OperatorId, OperatorId])[] = [];
  graph.operators.forEach((operator, id) => {
    const sources = new Set(readBy(operator).map((tensor) => maker.get(tensor)));
    for (const source of sources) if (source !== undefined) edges.push([source, id]);
    for (const output of operator.outputs) if (output !== undefined) maker.set(output, id);
  });
  return edges;
}

/** A number for each set of operators that states tie together; none for the others. */
function coloursOf(graph: Graph): ReadonlyMap<OperatorId, number> {
  const parent = new Map<OperatorId, OperatorId>();
  const root = (id: OperatorId): OperatorId => {
    let at = id;
    while (parent.get(at) !== undefined && parent.get(at) !== at) at = parent.get(at)!;
    return at;
  };
  const first = new Map<StateId, OperatorId>();
  graph.operators.forEach(({ accesses }, id) => {
    for (const { state } of accesses) {
      if (!parent.has(id)) parent.set(id, id);
      const other = first.get(state);
      if (other === undefined) first.set(state, id);
      else parent.set(root(id), root(other));
    }
  });
  return new Map([...parent.keys()].map((id) => [id, root(id)]));
}

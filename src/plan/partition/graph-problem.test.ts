// Goal: a graph becomes the placement problem a pencil gives. Method: three operators with a state, a shared weight, a body's capture and unlike links.
import { describe, expect, it } from "vitest";
import { createGraphBuilder } from "../../graph/ir/build-graph.ts";
import { constant } from "../../graph/ir/expression.ts";
import type { Graph, Operator, Tensor } from "../../graph/ir/graph.ts";
import { graphProblem, type PlacedType } from "./graph-problem.ts";

const tensor = (name: string, origin: Tensor["origin"]): Tensor => ({ name, type: "f32", shape: [constant(10)], origin });
const operator = (name: string, parts: Partial<Operator>): Operator => ({
  name,
  type: name,
  domain: "test",
  inputs: [],
  outputs: [],
  attributes: {},
  accesses: [],
  scope: "",
  ...parts,
});

/** in -> write (cache) -> middle -> read (cache) -> out; `loop` names what `write` made inside its body only. */
function small(): Graph {
  const builder = createGraphBuilder();
  const input = builder.tensor(tensor("in", "input"));
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => builder.tensor(tensor(name, "activation")));
  const cache = builder.state({ name: "cache", kind: "kv", type: "f32", shape: [constant(100)] });
  builder.operator(operator("write", { inputs: [input], outputs: [a], accesses: [{ state: cache, mode: "append" }] }));
  builder.operator(operator("middle", { inputs: [a], outputs: [b] }));
  builder.operator(operator("read", { inputs: [b, undefined], outputs: [c], accesses: [{ state: cache, mode: "read" }] }));
  const body = {
    role: "body",
    captures: [{ outer: a!, inner: 0 }],
    graph: { ...builder.build({ name: "", source: "", inputs: [], outputs: [] }) },
  };
  builder.operator(operator("loop", { inputs: [c], outputs: [d], bodies: [body] }));
  return builder.build({ name: "small", source: "test", inputs: [input], outputs: [d!] });
}

const types: readonly PlacedType[] = [
  { name: "fast link", count: 1, memoryBytes: 1e6, link: { bytesPerSecond: 1e9, latencyNs: 50 } },
  { name: "slow link", count: 2, memoryBytes: 1e6, link: { bytesPerSecond: 2e8, latencyNs: 50 } },
];

describe("a graph as a placement problem", () => {
  const problem = graphProblem({
    graph: small(),
    types,
    costsOf: (_operator, id) => ({ times: [id + 1, 10 * (id + 1)], weightBytes: 7, outputBytes: id === 1 ? 200 : 0 }),
    stateBytes: () => 400,
  });

  it("has an edge for what is read, inside a body too, once", () => {
    expect(problem.edges).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
      [0, 3],
    ]);
  });

  it("keeps the operators of a state together, and the state once", () => {
    expect(problem.nodes.map(({ colour }) => colour)).toEqual([0, undefined, 0, undefined]);
    expect(problem.nodes.map(({ bytes }) => bytes)).toEqual([407, 7, 7, 7]);
  });

  it("prices an output over the fastest link, and slower links by their factor", () => {
    // 200 B at 1 GB/s are 200 ns, and 50 ns of latency.
    expect(problem.nodes.map(({ outputCost }) => outputCost)).toEqual([0, 250, 0, 0]);
    expect(problem.types.map(({ transferFactor }) => transferFactor)).toEqual([1, 5]);
    expect(problem.nodes[3]!.times).toEqual([4, 40]);
  });
});

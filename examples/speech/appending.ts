import type { GraphState, RunnableGraph } from "heddle";

/** Most tokens a phrase has. */
const CAPACITY = 512;

/** A graph whose inputs `<name>` with an output `<name>.rows` are states: what comes out goes behind what came in. */
export function appending(graph: RunnableGraph): RunnableGraph {
  const rows = new Set(graph.outputs.map((output) => output.name));
  const states = graph.inputs.flatMap(({ name, type, dims }): GraphState[] => {
    const output = `${name}.rows`;
    if (!rows.has(output) || dims === undefined) return [];
    const start = dims.map((size, axis) => (axis === 0 ? 0 : Number(size)));
    return [{ name, type, access: "append", input: name, output, dims: start, capacity: CAPACITY }];
  });
  return { ...graph, states };
}

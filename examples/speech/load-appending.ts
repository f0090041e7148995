import { type GraphState, loadGraph, type RunnableGraph } from "heddle";

/** Most tokens a phrase has. */
const CAPACITY = 512;

/** A graph whose inputs `<name>` with an output `<name>.rows` are states: what comes out goes behind what came in. */
export async function loadAppending(path: string, name: string): Promise<RunnableGraph> {
  const graph = await loadGraph(path, { name });
  const rows = new Set(graph.outputs.map((output) => output.name));
  const states = graph.inputs.flatMap(({ name: input, type, dims }): GraphState[] => {
    const output = `${input}.rows`;
    if (!rows.has(output) || dims === undefined) return [];
    const start = dims.map((size, axis) => (axis === 0 ? 0 : Number(size)));
    return [{ name: input, type, access: "append", input, output, dims: start, capacity: CAPACITY }];
  });
  return { ...graph, states };
}

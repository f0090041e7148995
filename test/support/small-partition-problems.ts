/** Small random placement problems, and their best assignments by trying all. */
import fc from "fast-check";
import { evaluate } from "../../src/plan/partition/evaluate.ts";
import { latencyOf } from "../../src/plan/partition/latency.ts";
import type { Assignment, OperatorNode, PartitionProblem } from "../../src/plan/partition/problem.ts";

const NODES_MAX = 6;
const time = fc.integer({ min: 0, max: 12 });

const operator = (types: number): fc.Arbitrary<OperatorNode> =>
  fc.record({
    times: fc.array(fc.oneof({ weight: 8, arbitrary: time }, { weight: 1, arbitrary: fc.constant(Infinity) }), {
      minLength: types,
      maxLength: types,
    }),
    bytes: fc.integer({ min: 0, max: 5 }),
    outputCost: fc.integer({ min: 0, max: 6 }),
    backward: fc.constant(false),
  });

const deviceType = fc.record({
  name: fc.constant("device"),
  count: fc.integer({ min: 1, max: 2 }),
  memoryBytes: fc.oneof(fc.constant(Infinity), fc.integer({ min: 4, max: 16 })),
  transferFactor: fc.constantFrom(0, 0.5, 1, 2),
});

/** Up to six nodes, up to three devices of up to two types, colours now and then. */
export const smallProblem: fc.Arbitrary<PartitionProblem> = fc
  .array(deviceType, { minLength: 1, maxLength: 2 })
  .filter((types) => types.reduce((sum, { count }) => sum + count, 0) <= 3)
  .chain((types) =>
    fc
      .record({
        nodes: fc.array(operator(types.length), { minLength: 1, maxLength: NODES_MAX }),
        wanted: fc.array(fc.tuple(fc.nat(NODES_MAX - 1), fc.nat(NODES_MAX - 1)), { maxLength: 10 }),
        colours: fc.array(fc.option(fc.nat(2)), { minLength: NODES_MAX, maxLength: NODES_MAX }),
        coloured: fc.boolean(),
      })
      .map(({ nodes, wanted, colours, coloured }) => ({
        types,
        nodes: nodes.map((node, i) => (coloured && colours[i] !== null ? { ...node, colour: colours[i]! } : node)),
        edges: wanted.filter(([a, b]) => a < b && b < nodes.length),
      })),
  );

/** A training graph: every node has a backward partner of its colour, with the edges turned round. */
export function trainingOf({ types, nodes, edges }: PartitionProblem): PartitionProblem {
  const size = nodes.length;
  const forward = nodes.map((node, i) => ({ ...node, colour: node.colour ?? size + i }));
  return {
    types,
    nodes: [...forward, ...forward.map((node) => ({ ...node, backward: true }))],
    edges: [
      ...edges,
      ...edges.map(([source, target]) => [target + size, source + size] as const),
      ...nodes.map((_node, i) => [i, i + size] as const),
    ],
  };
}

/** Every assignment that keeps the rules. */
export function* assignments(problem: PartitionProblem): Iterable<Assignment> {
  const devices = problem.types.reduce((sum, { count }) => sum + count, 0);
  const free = problem.nodes.filter(({ backward }) => !backward).length;
  const total = Math.round(devices ** free);
  for (let code = 0; code < total; code++) {
    const assignment = new Int32Array(problem.nodes.length);
    for (let i = 0, rest = code; i < assignment.length; i++, rest = Math.floor(rest / devices)) {
      assignment[i] = i < free ? rest % devices : assignment[i - free]!;
    }
    if (evaluate(problem, assignment).breaches.length === 0) yield assignment;
  }
}

/** The least largest load over the assignments that are allowed; Infinity where there is none. */
export function bestOf(problem: PartitionProblem, allowed: (assignment: Assignment) => boolean = () => true): number {
  let best = Infinity;
  for (const assignment of assignments(problem)) {
    if (allowed(assignment)) best = Math.min(best, evaluate(problem, assignment).maxLoad);
  }
  return best;
}

/** Least latency over all assignments. */
export function bestLatency(problem: PartitionProblem): number {
  let best = Infinity;
  for (const assignment of assignments(problem)) best = Math.min(best, latencyOf(problem, assignment));
  return best;
}

/** Whether the forward edges between devices have no cycle. */
export function quotientIsAcyclic({ nodes, edges }: PartitionProblem, assignment: Assignment): boolean {
  const reach = new Set<string>();
  for (const [source, target] of edges) {
    if (!nodes[source]!.backward && !nodes[target]!.backward && assignment[source] !== assignment[target]) {
      reach.add(`${assignment[source]} ${assignment[target]}`);
    }
  }
  const devices = [...new Set(assignment)];
  for (const via of devices) {
    for (const from of devices)
      for (const to of devices) if (reach.has(`${from} ${via}`) && reach.has(`${via} ${to}`)) reach.add(`${from} ${to}`);
  }
  return devices.every((device) => !reach.has(`${device} ${device}`));
}

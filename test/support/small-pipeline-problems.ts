/** Small random pipeline problems, and their best plans by trying all. */
import fc from "fast-check";
import { evaluatePipeline } from "../../src/plan/pipeline-parallel/evaluate.ts";
import type { NodeChoice, PipelineNode, PipelineProblem, PipelineStage } from "../../src/plan/pipeline-parallel/problem.ts";

const NODES_MAX = 4;
const count = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

const choice: fc.Arbitrary<NodeChoice> = fc.record({
  name: fc.constant("choice"),
  time: count(12),
  parameterBytes: count(6),
  bytesPerMicrobatch: count(5),
  fixedBytes: count(5),
  inputSyncBytes: count(3).map((bytes) => everyNode(bytes)),
  outputSyncBytes: count(3).map((bytes) => everyNode(bytes)),
});

const node: fc.Arbitrary<PipelineNode> = fc
  .record({
    one: fc.array(choice, { minLength: 1, maxLength: 2 }),
    two: fc.option(fc.array(choice, { minLength: 1, maxLength: 2 })),
    alike: fc.boolean(),
  })
  .map(({ one, two, alike }) => {
    const ways = alike ? one.map((way) => ({ ...way, parameterBytes: one[0]!.parameterBytes })) : one;
    return { name: "node", choices: new Map([[1, ways], ...(two === null ? [] : [[2, two] as const])]) };
  });

/** Up to four nodes on up to four devices, with little memory now and then. */
export const smallPipeline: fc.Arbitrary<PipelineProblem> = fc
  .record({
    devices: fc.integer({ min: 1, max: 4 }),
    memoryBytes: fc.integer({ min: 5, max: 30 }),
    bytesPerTime: fc.constantFrom(1, 2, 10),
    microbatches: fc.constantFrom(1, 2, 3, 4),
    nodes: fc.array(node, { minLength: 1, maxLength: NODES_MAX }),
    wanted: fc.uniqueArray(fc.tuple(fc.nat(NODES_MAX - 1), fc.nat(NODES_MAX - 1), count(4)), {
      maxLength: 6,
      selector: ([source, target]) => source * NODES_MAX + target,
    }),
  })
  .map(({ wanted, ...rest }) => ({
    ...rest,
    edges: wanted
      .filter(([source, target]) => source < target && target < rest.nodes.length)
      .map(([source, target, bytes]) => ({ source, target, bytes })),
  }));

/** Least time of the slowest stage over all plans that keep the rules; Infinity where there is none. */
export function bestPipeline(problem: PipelineProblem): number {
  let best = Infinity;
  const grow = (stages: readonly PipelineStage[], rest: readonly number[], devices: number): void => {
    if (rest.length === 0) {
      const { value, breaches } = evaluatePipeline(problem, stages);
      if (breaches.length === 0) best = Math.min(best, value);
      return;
    }
    for (let set = 1; set < 1 << rest.length; set++) {
      const nodes = rest.filter((_node, i) => (set >> i) & 1);
      const left = rest.filter((_node, i) => !((set >> i) & 1));
      for (let tensorDegree = 1; tensorDegree <= devices; tensorDegree++) {
        const ways = nodes.map((v) => problem.nodes[v]!.choices.get(tensorDegree)?.length ?? 0);
        for (let dataDegree = 1; dataDegree * tensorDegree <= devices; dataDegree++) {
          for (const choices of products(ways)) {
            grow([...stages, { nodes, dataDegree, tensorDegree, choices }], left, devices - dataDegree * tensorDegree);
          }
        }
      }
    }
  };
  grow([], [...problem.nodes.keys()], problem.devices);
  return best;
}

function products(sizes: readonly number[]): readonly (readonly number[])[] {
  return sizes.reduce<readonly (readonly number[])[]>(
    (tuples, size) => tuples.flatMap((tuple) => Array.from({ length: size }, (_zero, i) => [...tuple, i])),
    [[]],
  );
}

function everyNode(bytes: number): ReadonlyMap<number, number> {
  return new Map(Array.from({ length: NODES_MAX }, (_zero, i) => [i, bytes]));
}

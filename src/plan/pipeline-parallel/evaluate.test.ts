// Goal: times, memory and breaches are those of the published model. Method: cases computed by hand.
import { describe, expect, it } from "vitest";
import { evaluatePipeline } from "./evaluate.ts";
import type { NodeChoice, PipelineProblem, PipelineStage } from "./problem.ts";

const plain: NodeChoice = {
  name: "plain",
  time: 12,
  parameterBytes: 60,
  bytesPerMicrobatch: 5,
  fixedBytes: 7,
  inputSyncBytes: new Map([[0, 3]]),
  outputSyncBytes: new Map([[1, 1]]),
};
const recomputed: NodeChoice = { ...plain, name: "recomputed", time: 16, bytesPerMicrobatch: 1 };

const problem: PipelineProblem = {
  devices: 6,
  memoryBytes: 40,
  bytesPerTime: 2,
  microbatches: 6,
  nodes: [
    { name: "a", choices: new Map([[1, [plain, recomputed]]]) },
    { name: "b", choices: new Map([[2, [plain]]]) },
  ],
  edges: [{ source: 0, target: 1, bytes: 9 }],
};

const apart: readonly PipelineStage[] = [
  { nodes: [0], dataDegree: 3, tensorDegree: 1, choices: [0] },
  { nodes: [1], dataDegree: 1, tensorDegree: 2, choices: [0] },
];

describe("a pipeline's score", () => {
  it("counts compute, crossing bytes both ways and gradients, shared by replicas", () => {
    const { times, value, devices, breaches } = evaluatePipeline(problem, apart);
    // 12/3 compute + (2 x (9 + 1)/3 crossing + 4 x 2/3 x 60/6 gradients)/2.
    expect(times[0]).toBeCloseTo(4 + (20 / 3 + 80 / 3) / 2, 12);
    // 12 + 2 x (9 + 3)/2.
    expect(times[1]).toBeCloseTo(24, 12);
    expect(value).toBe(times[1]);
    expect(devices).toBe(5);
    expect(breaches).toEqual([]);
  });

  it("keeps as many microbatches as the replicas from here on need", () => {
    // ceil(4/3) = 2 in the first stage, 1 in the last.
    expect([...evaluatePipeline(problem, apart).memoryBytes]).toEqual([17, 12]);
    const swift = [{ ...apart[0]!, choices: [1] }, apart[1]!];
    expect(evaluatePipeline(problem, swift).memoryBytes[0]).toBe(9);
  });

  it.each([
    ["devices", { ...problem, devices: 4 }, apart],
    ["replicas", { ...problem, microbatches: 3 }, apart],
    ["memory", { ...problem, memoryBytes: 16 }, apart],
    ["data-degree", { ...problem, microbatches: 4 }, apart],
    ["tensor-degree", problem, [apart[0]!, { ...apart[1]!, tensorDegree: 1 }]],
    ["placed", problem, [apart[0]!]],
    ["placed", problem, [...apart, apart[1]!]],
    ["order", problem, [apart[1]!, apart[0]!]],
  ] as const)("names what breaks the rule on %s", (code, broken, stages) => {
    expect(evaluatePipeline(broken, stages).breaches.map((breach) => breach.code)).toContain(code);
  });
});

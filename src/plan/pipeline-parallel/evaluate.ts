import { must } from "../../base/assert.ts";
import type { PipelineProblem, PipelineStage } from "./problem.ts";

/** Bytes that parallel replicas send and receive for each byte of gradient, times (replicas - 1) / replicas: two in, two out. */
export const GRADIENT_EXCHANGE = 4;
/** Forward and backward pass both cross an edge between stages. */
export const PASSES = 2;

/** What breaks a plan. */
export type PipelineBreach =
  | { readonly code: "devices"; readonly needed: number }
  | { readonly code: "replicas"; readonly sum: number }
  | { readonly code: "memory"; readonly stage: number; readonly bytes: number }
  | { readonly code: "data-degree"; readonly stage: number; readonly degree: number }
  | { readonly code: "tensor-degree"; readonly stage: number; readonly node: number }
  | { readonly code: "placed"; readonly node: number; readonly times: number }
  | { readonly code: "order"; readonly source: number; readonly target: number };

export interface PipelineScore {
  /** Time per microbatch of every stage, replicas counted in. */
  readonly times: Float64Array;
  /** Memory that each device of a stage needs. */
  readonly memoryBytes: Float64Array;
  readonly devices: number;
  /** The objective: time per microbatch of the slowest stage. */
  readonly value: number;
  readonly breaches: readonly PipelineBreach[];
}

/**
 * Scores a plan from nodes and edges alone; shares nothing with the search.
 *
 * Model: a stage on d replicas takes 1/d of its nodes' times and of twice the bytes that cross to other stages (with what split devices exchange for
 * them), and 4 (d - 1)/d of its parameters' bytes once a batch. Each of its devices keeps ceil(s / d) microbatches in flight, s being the replicas of
 * this and all later stages.
 * Source: Tarnawski et al., NeurIPS 2021, section 3; the factor 4 is a distributed parameter server's, as in PipeDream's planner.
 */
export function evaluatePipeline(problem: PipelineProblem, stages: readonly PipelineStage[]): PipelineScore {
  const stageOf = new Int32Array(problem.nodes.length).fill(-1);
  stages.forEach(({ nodes }, stage) => {
    for (const node of nodes) stageOf[node] = stage;
  });
  const times = Float64Array.from(stages, (stage, at) => stageTime(problem, stage, { at, stageOf }));
  const memoryBytes = Float64Array.from(stages, (stage, at) => {
    const replicas = stages.slice(at).reduce((sum, { dataDegree }) => sum + dataDegree, 0);
    const inFlight = Math.ceil(replicas / stage.dataDegree);
    return sumOf(problem, stage, ({ bytesPerMicrobatch, fixedBytes }) => bytesPerMicrobatch * inFlight + fixedBytes);
  });
  const devices = stages.reduce((sum, { dataDegree, tensorDegree }) => sum + dataDegree * tensorDegree, 0);
  return {
    times,
    memoryBytes,
    devices,
    value: Math.max(0, ...times),
    breaches: breachesOf(problem, stages, { stageOf, memoryBytes, devices }),
  };
}

function stageTime(problem: PipelineProblem, stage: PipelineStage, place: { readonly at: number; readonly stageOf: Int32Array }): number {
  const { dataDegree } = stage;
  const compute = sumOf(problem, stage, ({ time }) => time) / dataDegree;
  const gradients =
    (GRADIENT_EXCHANGE * (dataDegree - 1) * sumOf(problem, stage, ({ parameterBytes }) => parameterBytes)) /
    dataDegree /
    problem.microbatches;
  const choiceOf = new Map(stage.nodes.map((node, i) => [node, chosen(problem, stage, i)]));
  let crossing = 0;
  for (const { source, target, bytes } of problem.edges) {
    if (place.stageOf[source] === place.stageOf[target]) continue;
    if (place.stageOf[source] === place.at) crossing += bytes + (choiceOf.get(source)?.outputSyncBytes.get(target) ?? 0);
    if (place.stageOf[target] === place.at) crossing += bytes + (choiceOf.get(target)?.inputSyncBytes.get(source) ?? 0);
  }
  return compute + ((PASSES * crossing) / dataDegree + gradients) / problem.bytesPerTime;
}

type Chosen = NonNullable<ReturnType<typeof chosen>>;

function chosen(problem: PipelineProblem, { nodes, choices, tensorDegree }: PipelineStage, i: number) {
  return must(problem.nodes[nodes[i]!], "a stage names nodes of the problem").choices.get(tensorDegree)?.[choices[i]!];
}

function sumOf(problem: PipelineProblem, stage: PipelineStage, part: (choice: Chosen) => number): number {
  return stage.nodes.reduce((sum, _node, i) => {
    const choice = chosen(problem, stage, i);
    return sum + (choice === undefined ? Infinity : part(choice));
  }, 0);
}

function breachesOf(
  problem: PipelineProblem,
  stages: readonly PipelineStage[],
  { stageOf, memoryBytes, devices }: { readonly stageOf: Int32Array; readonly memoryBytes: Float64Array; readonly devices: number },
): readonly PipelineBreach[] {
  const breaches: PipelineBreach[] = devices > problem.devices ? [{ code: "devices", needed: devices }] : [];
  const replicas = stages.reduce((sum, { dataDegree }) => sum + dataDegree, 0);
  if (replicas > problem.microbatches) breaches.push({ code: "replicas", sum: replicas });
  const placed = new Int32Array(problem.nodes.length);
  stages.forEach((stage, at) => {
    const { dataDegree, nodes } = stage;
    if (memoryBytes[at]! > problem.memoryBytes) breaches.push({ code: "memory", stage: at, bytes: memoryBytes[at]! });
    if (dataDegree < 1 || problem.microbatches % dataDegree !== 0) breaches.push({ code: "data-degree", stage: at, degree: dataDegree });
    nodes.forEach((node, i) => {
      placed[node] = placed[node]! + 1;
      if (chosen(problem, stage, i) === undefined) breaches.push({ code: "tensor-degree", stage: at, node });
    });
  });
  placed.forEach((times, node) => {
    if (times !== 1) breaches.push({ code: "placed", node, times });
  });
  for (const { source, target } of problem.edges) {
    if (stageOf[source]! > stageOf[target]!) breaches.push({ code: "order", source, target });
  }
  return breaches;
}

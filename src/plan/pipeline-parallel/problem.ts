import { assert } from "../../base/assert.ts";

/**
 * A graph of layers to be cut into a pipeline whose stages are replicated (data parallel) and split (tensor parallel) over equal devices.
 *
 * Units: bytes are bytes; times share one unit, any, that `bytesPerTime` is given in too.
 * Source: the problem of Tarnawski et al., "Piper: multidimensional planner for DNN parallelization" (NeurIPS 2021), section 3.
 */
export interface PipelineProblem {
  readonly devices: number;
  /** What each device holds. */
  readonly memoryBytes: number;
  /** What a device sends to the others in one unit of time. */
  readonly bytesPerTime: number;
  /** Microbatches in a batch: the gradients of replicas are summed once a batch, and a number of replicas divides it. */
  readonly microbatches: number;
  readonly nodes: readonly PipelineNode[];
  readonly edges: readonly PipelineEdge[];
}

export interface PipelineNode {
  readonly name: string;
  /** Ways to run it by tensor-parallel degree; a degree that is not named is not supported. */
  readonly choices: ReadonlyMap<number, readonly NodeChoice[]>;
}

/** One way to run a node on as many devices as its tensor-parallel degree says, such as with or without recomputing activations. */
export interface NodeChoice {
  readonly name: string;
  /** Time of one microbatch, forward and backward. */
  readonly time: number;
  /** Parameters on each device, whose gradients replicas exchange. */
  readonly parameterBytes: number;
  /** Memory on each device for each microbatch in flight. */
  readonly bytesPerMicrobatch: number;
  /** Memory on each device besides. */
  readonly fixedBytes: number;
  /** What the split devices exchange where the input from a node (index) comes from another stage. */
  readonly inputSyncBytes: ReadonlyMap<number, number>;
  /** The same for the output to a node that is in another stage. */
  readonly outputSyncBytes: ReadonlyMap<number, number>;
}

/** Indices of nodes, and the bytes the second reads from the first for one microbatch. */
export interface PipelineEdge {
  readonly source: number;
  readonly target: number;
  readonly bytes: number;
}

/** One stage of a plan: all its nodes run on `dataDegree` replicas of `tensorDegree` devices each. */
export interface PipelineStage {
  readonly nodes: readonly number[];
  readonly dataDegree: number;
  readonly tensorDegree: number;
  /** Choice of every node, in the order of `nodes`: an index of its choices at `tensorDegree`. */
  readonly choices: readonly number[];
}

/** Asserts what every part of the planner takes for granted. */
export function checkPipelineProblem({ devices, memoryBytes, bytesPerTime, microbatches, nodes, edges }: PipelineProblem): void {
  assert(Number.isInteger(devices) && devices > 0, "there is a device", devices);
  assert(Number.isInteger(microbatches) && microbatches > 0, "a batch has a microbatch", microbatches);
  assert(memoryBytes >= 0 && bytesPerTime > 0, "memory is not negative and links move", { memoryBytes, bytesPerTime });
  assert(nodes.length > 0, "there is a node");
  for (const { source, target, bytes } of edges) {
    assert(nodes[source] !== undefined && nodes[target] !== undefined && source !== target, "an edge joins two nodes", { source, target });
    assert(bytes >= 0, "an edge's bytes are not negative", bytes);
  }
  for (const { name, choices } of nodes) {
    for (const [degree, ways] of choices) {
      assert(Number.isInteger(degree) && degree > 0, "a tensor-parallel degree is a count", { name, degree });
      for (const { time, parameterBytes, bytesPerMicrobatch, fixedBytes } of ways) {
        assert(Math.min(time, parameterBytes, bytesPerMicrobatch, fixedBytes) >= 0, "times and bytes are not negative", { name, degree });
      }
    }
  }
}

import type { NodeChoice, PipelineProblem } from "./problem.ts";
import { gradientTime } from "./segment.ts";

/** A period that no plan goes below. */
export interface PipelineBound {
  readonly value: number;
  /** `work`: all nodes at their least device time, spread over all devices. `node`: the slowest node at its best. `exhaustive`: no plan has a shorter period. */
  readonly method: "work" | "node" | "exhaustive";
}

/** The better of two bounds that hold for every graph, order and choice; nodes in Infinity where one fits on no device. */
export function simpleBound(problem: PipelineProblem): PipelineBound {
  let work = 0;
  let node = 0;
  for (const { choices } of problem.nodes) {
    let deviceTime = Infinity;
    let alone = Infinity;
    for (const [degree, ways] of choices) {
      if (degree > problem.devices) continue;
      for (const way of ways) {
        if (way.bytesPerMicrobatch + way.fixedBytes > problem.memoryBytes) continue;
        deviceTime = Math.min(deviceTime, degree * way.time);
        alone = Math.min(alone, aloneTime(problem, way, Math.floor(problem.devices / degree)));
      }
    }
    work += deviceTime;
    node = Math.max(node, alone);
  }
  work /= problem.devices;
  return work >= node ? { value: work, method: "work" } : { value: node, method: "node" };
}

/** Least time of a node in a stage of its own that no other stage talks to, on up to `most` replicas. */
function aloneTime(problem: PipelineProblem, way: NodeChoice, most: number): number {
  let best = Infinity;
  for (let replicas = 1; replicas <= most && replicas <= problem.microbatches; replicas++) {
    if (problem.microbatches % replicas !== 0) continue;
    best = Math.min(best, (way.time + (replicas - 1) * gradientTime(problem, way)) / replicas);
  }
  return best;
}

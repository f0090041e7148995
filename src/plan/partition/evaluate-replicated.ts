import type { Replication } from "./lattice-split.ts";
import { deviceTypes, type PartitionProblem } from "./problem.ts";

/** Nodes that one or several like devices run, each of them for its share of the samples. */
export interface ReplicatedStage {
  readonly nodes: readonly number[];
  readonly devices: readonly number[];
}

export type ReplicatedBreach = "node-missing" | "device-shared" | "unlike-devices" | "unsupported" | "memory" | "colour-apart";

/**
 * Scores stages with replicas under the throughput objective, from nodes and edges alone.
 *
 * Model: per sample a stage works its nodes' times, and moves each of its outputs that another stage reads and each output of another stage that it
 * reads, once. Each of r devices does that for every r-th sample, holds all weights, and sends 2 (r - 1) / r of their bytes for their sum (ring all-reduce).
 */
export function evaluateReplicated(
  problem: PartitionProblem,
  stages: readonly ReplicatedStage[],
  { syncPerByte }: Replication,
): { readonly loads: Float64Array; readonly maxLoad: number; readonly breaches: readonly ReplicatedBreach[] } {
  const { types, nodes, edges } = problem;
  const typeOf = deviceTypes(types);
  const stageOf = new Int32Array(nodes.length).fill(-1);
  stages.forEach((stage, at) => {
    for (const node of stage.nodes) stageOf[node] = at;
  });
  const loads = new Float64Array(typeOf.length);
  const breaches: ReplicatedBreach[] = [];
  if (stageOf.includes(-1)) breaches.push("node-missing");
  const users = stages.flatMap(({ devices }) => devices);
  if (new Set(users).size < users.length) breaches.push("device-shared");
  stages.forEach((stage, at) => {
    const type = typeOf[stage.devices[0]!]!;
    const moved = new Set(
      edges.flatMap(([source, target]) =>
        stageOf[source] !== stageOf[target] && (stageOf[source] === at || stageOf[target] === at) ? [source] : [],
      ),
    );
    const bytes = stage.nodes.reduce((sum, i) => sum + nodes[i]!.bytes, 0);
    const work = stage.nodes.reduce((sum, i) => sum + nodes[i]!.times[type]!, 0);
    const cost = [...moved].reduce((sum, source) => sum + nodes[source]!.outputCost, 0);
    const r = stage.devices.length;
    for (const device of stage.devices) {
      loads[device] = (work + types[type]!.transferFactor * cost) / r + (r > 1 ? ((2 * (r - 1)) / r) * bytes * syncPerByte : 0);
    }
    if (stage.devices.some((device) => typeOf[device] !== type)) breaches.push("unlike-devices");
    if (work === Infinity) breaches.push("unsupported");
    if (bytes > types[type]!.memoryBytes) breaches.push("memory");
  });
  const stageOfColour = new Map<number, number>();
  nodes.forEach(({ colour }, i) => {
    if (colour === undefined) return;
    const first = stageOfColour.get(colour) ?? stageOf[i]!;
    stageOfColour.set(colour, first);
    if (first !== stageOf[i]) breaches.push("colour-apart");
  });
  return { loads, maxLoad: Math.max(...loads), breaches };
}

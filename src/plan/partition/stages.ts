import { assert } from "../../base/assert.ts";
import { components } from "./components.ts";
import { type Lists, listsOf } from "./csr.ts";
import { type Assignment, deviceTypes, type PartitionProblem } from "./problem.ts";

/** Nodes that one device runs in one go. */
export interface Stage {
  readonly device: number;
  readonly nodes: readonly number[];
}

/**
 * An order in which the parts of an assignment can run: stages such that every edge stays in its stage or leads to a later one, so the quotient graph of
 * stages is acyclic. Few stages, but not the fewest: a device with no path that leaves it and returns gets one where the quotient of devices is acyclic.
 *
 * Errors: `undefined` where the graph has a cycle over several devices.
 */
export function stagesOf(problem: PartitionProblem, assignment: Assignment): readonly Stage[] | undefined {
  const cycles = cycleGraph(problem);
  const device = new Int32Array(cycles.count);
  problem.nodes.forEach((_node, i) => {
    device[cycles.componentOf[i]!] = assignment[i]!;
  });
  if (cycles.componentOf.some((cycle, i) => device[cycle] !== assignment[i])) return undefined;
  const members: number[][] = Array.from({ length: cycles.count }, () => []);
  for (const [i, cycle] of cycles.componentOf.entries()) members[cycle]!.push(i);
  return runs(cycles.successors, device, deviceTypes(problem.types).length).map((run) => ({
    device: run.device,
    nodes: run.nodes.flatMap((cycle) => members[cycle]!),
  }));
}

/** Stages of a graph without cycles. */
function runs(next: Lists, deviceOf: Int32Array, devices: number): readonly Stage[] {
  const left = new Int32Array(devices);
  for (const device of deviceOf) left[device] = left[device]! + 1;
  const waiting = new Int32Array(deviceOf.length);
  for (const target of next.items) waiting[target] = waiting[target]! + 1;
  const done = new Uint8Array(deviceOf.length);
  const stages: Stage[] = [];
  for (let remaining = deviceOf.length; remaining > 0; ) {
    let best: Stage = { device: -1, nodes: [] };
    for (let device = 0; device < devices; device++) {
      if (left[device] === 0) continue;
      const ready = runnable({ next, deviceOf, waiting, done }, device);
      const whole = ready.length === left[device];
      if (whole || ready.length > best.nodes.length) best = { device, nodes: ready };
      if (whole) break;
    }
    assert(best.nodes.length > 0, "a graph without cycles always has a node that can run");
    stages.push(best);
    remaining -= best.nodes.length;
    left[best.device] = left[best.device]! - best.nodes.length;
    for (const node of best.nodes) {
      done[node] = 1;
      for (let e = next.start[node]!; e < next.start[node + 1]!; e++) waiting[next.items[e]!] = waiting[next.items[e]!]! - 1;
    }
  }
  return stages;
}

interface Progress {
  readonly next: Lists;
  readonly deviceOf: Int32Array;
  /** Nodes that each node still waits for. */
  readonly waiting: Int32Array;
  readonly done: Uint8Array;
}

/** What a device could run now without another's help. */
function runnable({ next, deviceOf, waiting, done }: Progress, device: number): number[] {
  const found: number[] = [];
  const lowered = new Map<number, number>();
  for (let i = 0; i < deviceOf.length; i++) if (deviceOf[i] === device && !done[i] && waiting[i] === 0) found.push(i);
  for (let at = 0; at < found.length; at++) {
    for (let e = next.start[found[at]!]!; e < next.start[found[at]! + 1]!; e++) {
      const target = next.items[e]!;
      if (deviceOf[target] !== device) continue;
      const missing = (lowered.get(target) ?? waiting[target]!) - 1;
      lowered.set(target, missing);
      if (missing === 0) found.push(target);
    }
  }
  return found;
}

/** The graph with each cycle as one vertex; an edge is listed once. */
function cycleGraph({ nodes, edges }: PartitionProblem): {
  readonly componentOf: Int32Array;
  readonly count: number;
  readonly successors: Lists;
} {
  const targets: number[][] = nodes.map(() => []);
  for (const [source, target] of edges) targets[source]!.push(target);
  const { componentOf, count } = components(listsOf(targets));
  const joined: Set<number>[] = Array.from({ length: count }, () => new Set());
  for (const [source, target] of edges) {
    if (componentOf[source] !== componentOf[target]) joined[componentOf[source]!]!.add(componentOf[target]!);
  }
  return { componentOf, count, successors: listsOf(joined) };
}

/** Whether stages cover every node once, on the device the assignment says, with every edge inside a stage or towards a later one. */
export function stagesHold(problem: PartitionProblem, assignment: Assignment, stages: readonly Stage[]): boolean {
  const stageOf = new Int32Array(problem.nodes.length).fill(-1);
  for (let at = 0; at < stages.length; at++) {
    for (const node of stages[at]!.nodes) {
      if (stageOf[node] !== -1 || assignment[node] !== stages[at]!.device) return false;
      stageOf[node] = at;
    }
  }
  return !stageOf.includes(-1) && problem.edges.every(([source, target]) => stageOf[source]! <= stageOf[target]!);
}

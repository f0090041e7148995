import { type CutProblem, neighboursOf } from "./cut-problem.ts";

/** Least part of a graph's time that its branches must save beside one another to be stages of their own. */
const SAVED_MIN = 0.25;

/** Part of what branches could save that a cut counts: devices that other runs keep busy save nothing, and nobody knows how many there will be. */
const COUNTED = 0.5;

/**
 * Part of the time that branches save which a cut counts: half of what so many devices could save, or none where the whole graph has little of it. Then every run of a graph that has
 * three products a layer beside one another would be spread over devices for a tenth of its time, and pays more than that for hand-overs.
 *
 * Model: longest path against work, every node on its best device. `order`: each node behind what it waits for.
 */
export function besideShareOf(problem: CutProblem, order: readonly number[]): number {
  if (problem.devices < 2) return 0;
  const { before } = neighboursOf(problem);
  const path = new Float64Array(problem.nodes.length);
  let work = 0;
  let longest = 0;
  for (const node of order) {
    const ns = Math.min(...problem.nodes[node]!.times);
    work += ns;
    path[node] = ns + before[node]!.reduce((most, earlier) => Math.max(most, path[earlier]!), 0);
    longest = Math.max(longest, path[node]!);
  }
  const saved = work - longest;
  const atMost = work * (1 - 1 / problem.devices);
  return saved > 0 && saved >= SAVED_MIN * work ? COUNTED * Math.min(1, atMost / saved) : 0;
}

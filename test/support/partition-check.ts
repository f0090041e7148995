/** What is wrong with an answer of the partitioner, found from the problem alone. */
import { evaluate } from "../../src/plan/partition/evaluate.ts";
import type { Partition } from "../../src/plan/partition/partition.ts";
import type { PartitionProblem } from "../../src/plan/partition/problem.ts";
import { stagesHold } from "../../src/plan/partition/stages.ts";

export type Flaw =
  | "rules-broken"
  | "value-misstated"
  | "bound-above"
  | "below-optimum"
  | "stages-cyclic"
  | "gap-misstated"
  | "worse-than-contiguous";

const CLOSE = 1e-7;

/** Flaws of an answer; `truth` is the least largest load of all assignments, where it is known. */
export function flawsOf(problem: PartitionProblem, answer: Partition, truth?: number): readonly Flaw[] {
  const { assignment, value, bound, gap, stages, contiguous } = answer;
  const scored = evaluate(problem, assignment);
  const off = (a: number, b: number): boolean => Math.abs(a - b) > CLOSE * Math.max(1, Math.abs(b));
  const flaws: readonly (readonly [Flaw, boolean])[] = [
    ["rules-broken", scored.breaches.length > 0],
    ["value-misstated", off(value, scored.maxLoad)],
    ["bound-above", bound.value > Math.min(value, truth ?? value) + CLOSE],
    ["below-optimum", value < (truth ?? 0) - CLOSE],
    ["stages-cyclic", !stagesHold(problem, assignment, stages)],
    ["gap-misstated", off(gap, value > 0 ? (value - bound.value) / value : 0)],
    ["worse-than-contiguous", value > (contiguous?.value ?? Infinity) + CLOSE],
  ];
  return flaws.filter(([, holds]) => holds).map(([flaw]) => flaw);
}

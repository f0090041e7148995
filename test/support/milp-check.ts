/** What HiGHS says about a placement problem, and whether the evaluator agrees with it. */
import { type MilpAnswer, solveMilp } from "../../bench/highs/solve-milp.ts";
import { evaluate } from "../../src/plan/partition/evaluate.ts";
import { assignmentOf, placementMilp } from "../../src/plan/partition/milp.ts";
import type { PartitionProblem } from "../../src/plan/partition/problem.ts";

export interface MilpVerdict {
  readonly status: MilpAnswer["status"];
  /** Value of the incumbent as HiGHS counts it; Infinity where there is none. */
  readonly value: number;
  readonly bound: number;
  /** Value of the same assignment as the evaluator counts it. */
  readonly evaluated: number;
  /** Rules the evaluator finds broken. */
  readonly breaches: number;
}

/** Relative difference that two ways to sum may show; the solver's tolerance is 1e-9. */
export const AGREES = 1e-6;

/** Solves the programme of one problem and scores the solution by the evaluator on another, by default the same. */
export async function milpVerdict(
  problem: PartitionProblem,
  options: { seconds: number; scoredOn?: PartitionProblem },
): Promise<MilpVerdict> {
  const { text, scale } = placementMilp(problem);
  const { status, value, bound, columns } = await solveMilp(text, { seconds: options.seconds, gap: 1e-7 });
  if (value === Infinity) return { status, value, bound: bound * scale, evaluated: Infinity, breaches: 0 };
  const scored = options.scoredOn ?? problem;
  const { maxLoad, breaches } = evaluate(
    scored,
    assignmentOf(problem, (name) => columns[name] ?? 0),
  );
  return { status, value: value * scale, bound: bound * scale, evaluated: maxLoad, breaches: breaches.length };
}

/** Whether both count the same for the same assignment. */
export function countsAlike({ value, evaluated, breaches }: MilpVerdict): boolean {
  return breaches === 0 && Math.abs(value - evaluated) <= AGREES * Math.max(1, value);
}

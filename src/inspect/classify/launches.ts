import type { Bindings } from "../../graph/ir/expression.ts";
import type { Operator } from "../../graph/ir/graph.ts";
import { bodyThatRuns, workOf } from "../operator-work.ts";
import type { Survey } from "../survey.ts";
import { valueAt, workAt } from "../work.ts";

/**
 * How often a device is told to do something for an operator in one run: once, or not at all where it does nothing. One that runs graphs is counted
 * with the operators in them, as often as they run; of branches, those of the one that does most.
 */
export function launchesOf(survey: Survey, operator: Operator, sizes: Bindings): number {
  if (survey.folded.has(operator)) return 0;
  const run = operator.bodies === undefined ? undefined : bodyThatRuns(survey, operator);
  if (run !== undefined) {
    const { survey: inner } = run.inner;
    const once = inner.graph.operators.reduce((sum, each) => sum + launchesOf(inner, each, sizes), 0);
    return 1 + valueAt(run.times, sizes) * once;
  }
  const work = workOf(survey.graph, operator, survey);
  if (work === undefined) return 0;
  const { flops, bytes } = workAt(work, sizes);
  return flops > 0 || bytes > 0 ? 1 : 0;
}

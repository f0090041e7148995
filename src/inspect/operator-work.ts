import { stateWork } from "../cost/state-work.ts";
import { constant, constantOf, type Expression, multiply } from "../graph/ir/expression.ts";
import type { Body, Graph, Operator } from "../graph/ir/graph.ts";
import { STATE_DOMAIN } from "../graph/program/state-spec.ts";
import { capturedBy, turnsOf } from "./body-runs.ts";
import { flopRuleOf } from "./flops/rule-table.ts";
import { heddleWork } from "./heddle-work.ts";
import { type InnerSurvey, type Survey, surveyOf } from "./survey.ts";
import { trafficWork } from "./traffic-work.ts";
import { boundedWork, NO_WORK, sumOf, valueAt, type Work, workAt } from "./work.ts";

/**
 * Work of one operator; undefined where no rule says what it does, or sizes it needs are not known. An operator that runs graphs does what the
 * operators in them do, as often as they run; those of unknown work are left out and listed by `unknownWorkOf`.
 */
export function workOf(graph: Graph, operator: Operator, given?: Survey): Work | undefined {
  if (operator.domain === "heddle") return heddleWork(graph, operator);
  if (operator.domain === STATE_DOMAIN) {
    const { flops, bytes } = stateWork(graph, operator);
    return { ...NO_WORK, flops, activationBytes: bytes };
  }
  const survey = given ?? surveyOf(graph);
  if (survey.folded.has(operator)) return NO_WORK;
  if (!survey.works.has(operator)) {
    const work = workOfRun(survey, operator);
    survey.works.set(operator, work !== undefined && isPossible(work, survey) ? work : undefined);
  }
  return survey.works.get(operator);
}

/** Far more operations or bytes than any run has; sums of such figures are still numbers. */
const MAX_FIGURE = 1e30;

/** Not where a size is below 0 or divides by 0, so that no run can have these sizes, or where figures are beyond any run. */
function isPossible(work: Work, { sizes }: Survey): boolean {
  const isBound = (part: Expression): boolean => Object.keys(sizes).length > 0 || constantOf(part) !== undefined;
  return [work.flops, work.weightBytes, work.stateBytes, work.activationBytes].every((part) => {
    const value = valueAt(part, sizes);
    return value < MAX_FIGURE && (value >= 0 || !isBound(part));
  });
}

function workOfRun(survey: Survey, operator: Operator): Work | undefined {
  if (operator.bodies === undefined) return trafficWork(survey, operator);
  const run = bodyThatRuns(survey, operator);
  if (run === undefined) return undefined;
  const { flops, weightBytes, stateBytes, activationBytes } = run.inner.work;
  const often = (once: Expression): Expression => multiply(run.times, once);
  return boundedWork(
    { flops: often(flops), weightBytes: often(weightBytes), stateBytes: often(stateBytes), activationBytes: often(activationBytes) },
    survey.sizes,
  );
}

interface BodyRun {
  readonly inner: InnerSurvey;
  readonly times: Expression;
}

/** Operators that run one of their graphs once. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  onnx: ["If"],
  higher_order: ["cond", "wrap_with_set_grad_enabled", "wrap_with_autocast"],
};

/** The branch that does most at the survey's sizes, or the body of a loop with its turns; undefined for other operators. */
export function bodyThatRuns(survey: Survey, operator: Operator): BodyRun | undefined {
  const bodies = operator.bodies ?? [];
  const turns = turnsOf(survey, operator);
  if (turns !== undefined) return { inner: innerOf(survey, bodies[0]!), times: turns };
  if (!Object.hasOwn(CHOICES, operator.domain) || !CHOICES[operator.domain]!.includes(operator.type)) return undefined;
  const [first, ...others] = bodies.map((body) => innerOf(survey, body));
  if (first === undefined) return undefined;
  return { inner: others.reduce((most, each) => (doesMore(each, most, survey) ? each : most), first), times: constant(1) };
}

function doesMore({ work }: InnerSurvey, than: InnerSurvey, { sizes }: Survey): boolean {
  const [a, b] = [workAt(work, sizes), workAt(than.work, sizes)];
  return a.flops > b.flops || (a.flops === b.flops && a.bytes > b.bytes);
}

function innerOf(survey: Survey, body: Body): InnerSurvey {
  const known = survey.inner.get(body);
  if (known !== undefined) return known;
  const inner = surveyOf(body.graph, survey.sizes, capturedBy(body, survey));
  const all = body.graph.operators.map((operator) => workOf(body.graph, operator, inner) ?? NO_WORK);
  const made = { survey: inner, work: boundedWork(sumOf(all), survey.sizes) };
  survey.inner.set(body, made);
  return made;
}

export interface UnknownWork {
  readonly operator: Operator;
  readonly reason: UnknownReason;
}

/** Sizes are not possible where one would be below 0 at those of the run. */
export type UnknownReason = "no rule" | "sizes not known" | "sizes not possible";

function reasonOf(survey: Survey, operator: Operator): UnknownReason {
  if (operator.bodies === undefined ? flopRuleOf(operator) === undefined : bodyThatRuns(survey, operator) === undefined) return "no rule";
  return workOfRun(survey, operator) === undefined ? "sizes not known" : "sizes not possible";
}

/** Operators whose work is unknown; of branches, those of the one that counts. */
export function unknownWorkOf(survey: Survey): readonly UnknownWork[] {
  return survey.graph.operators.flatMap((operator): readonly UnknownWork[] => {
    if (workOf(survey.graph, operator, survey) === undefined) return [{ operator, reason: reasonOf(survey, operator) }];
    const run = operator.domain === "heddle" || survey.folded.has(operator) ? undefined : bodyThatRuns(survey, operator);
    return run === undefined ? [] : unknownWorkOf(run.inner.survey);
  });
}

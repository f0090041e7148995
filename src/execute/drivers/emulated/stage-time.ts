import { NS_PER_S } from "../../../base/units.ts";
import type { Bindings } from "../../../graph/ir/expression.ts";
import type { Graph } from "../../../graph/ir/graph.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import { launchesOf } from "../../../inspect/classify/launches.ts";
import { workOf } from "../../../inspect/operator-work.ts";
import { type Survey, surveyOf } from "../../../inspect/survey.ts";
import { workAt } from "../../../inspect/work.ts";
import { type OperatorClass, operatorClassOf } from "../../../rack/operator-class.ts";

/** What the time of a stage follows from, of the device itself: without slowdown. */
export interface StageRates {
  readonly operationsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly operatorNs: number;
  /** Speed on a class of operators as a multiple of the figures. */
  speed(operators: OperatorClass): number;
}

const surveys = new WeakMap<Graph, Survey>();

export function surveyOnce(graph: Graph): Survey {
  const known = surveys.get(graph) ?? surveyOf(graph);
  surveys.set(graph, known);
  return known;
}

/**
 * Time the operators of a stage take one after another, without the launch of the run.
 *
 * Model: roofline an operator, max(operations / peak, bytes / bandwidth), over the device's speed on its class, and a fixed cost an operator; what a
 * device fuses is not credited. Sizes that only the run tells count 1.
 * Units: ns.
 * Source: Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009.
 */
export function stageNs(stage: StageModel, sizes: Bindings, rates: StageRates): number {
  return worksOf(stage, sizes).reduce((sum, { flops, bytes, launches, operators }) => {
    const seconds = Math.max(flops / rates.operationsPerSecond, bytes / rates.bytesPerSecond);
    return sum + (seconds * NS_PER_S + launches * rates.operatorNs) / rates.speed(operators);
  }, 0);
}

/** What one operator does in a run. */
interface OperatorRun {
  readonly flops: number;
  readonly bytes: number;
  readonly launches: number;
  readonly operators: OperatorClass;
}

/** Evaluating formulas takes longer than many a run does: kept for the sizes seen last. */
const KEPT = 16;
const works = new WeakMap<StageModel, Map<string, readonly OperatorRun[]>>();

function worksOf(stage: StageModel, sizes: Bindings): readonly OperatorRun[] {
  const kept = works.get(stage) ?? new Map<string, readonly OperatorRun[]>();
  works.set(stage, kept);
  const key = JSON.stringify(sizes);
  const known = kept.get(key) ?? evaluated(stage, sizes);
  kept.delete(key);
  kept.set(key, known);
  for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - KEPT))) kept.delete(oldest);
  return known;
}

function evaluated({ graph, operators }: StageModel, sizes: Bindings): readonly OperatorRun[] {
  const survey = surveyOnce(graph);
  return operators.flatMap((id) => {
    const operator = graph.operators[id]!;
    const work = workOf(graph, operator, survey);
    if (work === undefined) return [];
    return [{ ...workAt(work, sizes), launches: launchesOf(survey, operator, sizes), operators: operatorClassOf(operator) }];
  });
}

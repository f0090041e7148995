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
export function stageNs({ graph, operators }: StageModel, sizes: Bindings, rates: StageRates): number {
  const survey = surveyOnce(graph);
  return operators.reduce((sum, id) => {
    const operator = graph.operators[id]!;
    const work = workOf(graph, operator, survey);
    if (work === undefined) return sum;
    const { flops, bytes } = workAt(work, sizes);
    const seconds = Math.max(flops / rates.operationsPerSecond, bytes / rates.bytesPerSecond);
    const launches = launchesOf(survey, operator, sizes);
    return sum + (seconds * NS_PER_S + launches * rates.operatorNs) / rates.speed(operatorClassOf(operator));
  }, 0);
}

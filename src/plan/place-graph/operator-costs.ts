import type { Bindings } from "../../graph/ir/expression.ts";
import type { DataType, Graph } from "../../graph/ir/graph.ts";
import { readBy } from "../../graph/ir/read-by.ts";
import { classifyWork } from "../../inspect/classify/classify-work.ts";
import { evaluated } from "../../inspect/classify/crossing.ts";
import { peakFor } from "../../inspect/classify/peak-for.ts";
import { figuresOf } from "../../inspect/figures.ts";
import { workOf } from "../../inspect/operator-work.ts";
import { innerWeightsOf } from "../../inspect/parameters.ts";
import { surveyOf } from "../../inspect/survey.ts";
import { knownBytes } from "../../inspect/tensor-bytes.ts";
import type { OperatorCosts } from "../partition/graph-problem.ts";
import type { DeviceKindOfSet } from "./device-sets.ts";

/** A graph in one run. */
export interface GraphRunAt {
  readonly graph: Graph;
  readonly sizes: Bindings;
  /** Type the model's products are of: decides which peak of a device counts. */
  readonly type: DataType;
}

/**
 * What every operator costs on every kind of device: the roofline estimate of its operations and bytes, with the overhead of an operator where the
 * device states one. An operator whose work is unknown takes no time, one a device has no peak for cannot run there.
 *
 * Source: Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009.
 */
export function operatorCosts({ graph, sizes, type }: GraphRunAt, types: readonly DeviceKindOfSet[]): readonly OperatorCosts[] {
  const survey = surveyOf(graph, sizes);
  const devices = types.map(({ figures }) => ({ ...figures, peak: peakFor(figures.peaks, type) }));
  const read = new Set(graph.operators.flatMap(readBy));
  return graph.operators.map((operator) => {
    const work = workOf(graph, operator, survey);
    const figures = work && figuresOf(work, sizes);
    const bytesOf = (id: number): number => evaluated(knownBytes(graph.tensors[id]!), sizes) ?? 0;
    const idle = figures === undefined || (figures.flops === 0 && figures.bytes === 0);
    const times = devices.map((device) => {
      if (idle) return 0;
      const { flops, bytes } = figures;
      return classifyWork({ flops, bytes, launches: 1, crossingBytes: undefined, unknownOperators: 0 }, device).estimateNs ?? Infinity;
    });
    const stored = survey.folded.has(operator) ? [] : [...new Set(readBy(operator))];
    const weightBytes = stored.reduce<number>((sum, id) => sum + (evaluated(survey.stored.get(id), sizes) ?? 0), 0);
    const inner = innerWeightsOf({ ...graph, operators: [operator] }).reduce(
      (sum, tensor) => sum + (evaluated(knownBytes(tensor), sizes) ?? 0),
      0,
    );
    const handed = operator.outputs.filter((id) => id !== undefined).filter((id) => read.has(id) && !survey.stored.has(id));
    return { times, weightBytes: weightBytes + inner, outputBytes: handed.reduce((sum, id) => sum + bytesOf(id), 0) };
  });
}

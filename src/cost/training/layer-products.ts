import type { ProductQuery } from "../operator/operator-query.ts";
import { microTokens, type TrainingRun } from "./training-run.ts";

/** Sizes of one product with weights, [rows, inputs] x [inputs, outputs], on one device. */
export interface WeightProduct {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** Products with weights of a layer's dense parts on one tensor-parallel rank; experts are not among them. */
export function layerProducts(run: TrainingRun): readonly WeightProduct[] {
  const { model, parallel } = run;
  const rows = microTokens(run);
  const heads = (model.heads * model.headDim) / parallel.tensor;
  const keys = Math.max(1, model.kvHeads / parallel.tensor) * model.headDim;
  const attention = [
    { rows, inputs: model.width, outputs: heads + 2 * keys },
    { rows, inputs: heads, outputs: model.width },
  ];
  if (model.experts !== undefined) return [...attention, { rows, inputs: model.width, outputs: model.experts.count }];
  const inner = model.inner / parallel.tensor;
  return [
    ...attention,
    { rows, inputs: model.width, outputs: inner * (model.gated ? 2 : 1) },
    { rows, inputs: inner, outputs: model.width },
  ];
}

/** The product of the output vocabulary on one tensor-parallel rank. */
export function vocabularyProduct(run: TrainingRun): WeightProduct {
  return { rows: microTokens(run), inputs: run.model.width, outputs: run.model.vocabulary / run.parallel.tensor };
}

/** The forward product, and those of the backward pass: gradients of the inputs and of the weights. */
export function forwardQuery({ rows, inputs, outputs }: WeightProduct, type: TrainingRun["type"]): ProductQuery {
  return { op: "product", m: rows, n: outputs, k: inputs, type };
}

export function backwardQueries({ rows, inputs, outputs }: WeightProduct, type: TrainingRun["type"]): readonly ProductQuery[] {
  return [
    { op: "product", m: rows, n: inputs, k: outputs, type },
    { op: "product", m: inputs, n: outputs, k: rows, type },
  ];
}

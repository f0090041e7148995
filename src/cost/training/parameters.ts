import type { TrainedModel, TrainingRun } from "./training-run.ts";

/** Parameters of a layer without its experts, of all its experts, and of one embedding of the vocabulary. Norms and biases are left out (below 0.1 %). */
export function layerParameters(model: TrainedModel): { readonly dense: number; readonly experts: number } {
  const attention = model.width * model.headDim * (2 * model.heads + 2 * model.kvHeads);
  const products = model.gated ? 3 : 2;
  if (model.experts === undefined) return { dense: attention + products * model.width * model.inner, experts: 0 };
  const { count, inner } = model.experts;
  return { dense: attention + model.width * count, experts: products * model.width * inner * count };
}

/** Parameters of the whole model; input and output share one embedding. */
export function modelParameters(model: TrainedModel): number {
  const { dense, experts } = layerParameters(model);
  return model.layers * (dense + experts) + model.vocabulary * model.width;
}

/** Parameters that a device of the fullest stage (first or last: with the embedding) holds: those that data-parallel ranks copy, and of experts. */
export function deviceParameters({ model, parallel }: TrainingRun): { readonly dense: number; readonly experts: number } {
  const { dense, experts } = layerParameters(model);
  const layers = model.layers / parallel.pipeline;
  const embedding = (model.vocabulary * model.width) / parallel.tensor;
  const expertRanks = Math.max(parallel.expert, parallel.tensor);
  return { dense: (layers * dense) / parallel.tensor + embedding, experts: (layers * experts) / expertRanks };
}

/**
 * Operations of a step that the model itself asks for (forward and twice that backward), and with what is recomputed; a multiply-add counts 2. Where scores
 * go through memory their whole square counts, as is usual for such runs (Narayanan et al. 2021, equation 3; Korthikanti et al. 2022, appendix A);
 * fused attention leaves the masked half out.
 */
export function trainingOperations(run: TrainingRun): { readonly model: number; readonly hardware: number } {
  const { model, globalBatch, sequence } = run;
  const tokens = globalBatch * sequence;
  const { dense } = layerParameters(model);
  const active = model.experts === undefined ? 0 : (model.gated ? 3 : 2) * model.width * model.experts.inner * model.experts.active;
  const scores = (run.attention === "fused" ? 2 : 4) * sequence * model.heads * model.headDim;
  const layers = model.layers * tokens * (2 * (dense + active) + scores);
  const vocabulary = 2 * tokens * model.width * model.vocabulary;
  const extra = run.recompute === "full" ? layers : run.recompute === "selective" ? model.layers * tokens * scores : 0;
  const forwardAndBackward = 3 * (layers + vocabulary);
  return { model: forwardAndBackward, hardware: forwardAndBackward + extra };
}

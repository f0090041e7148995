import type { OperatorQuery } from "../operator/operator-query.ts";
import { microTokens, type TrainingRun } from "./training-run.ts";

/** Bytes moved an element of the scores by softmax and dropout of separate attention; scores and probabilities have 2 bytes, masks 1. */
const FORWARD_BYTES = { softmax: 4, dropout: 5 };
const BACKWARD_BYTES = { softmax: 6, dropout: 5 };
/** Fused attention computes five products in its backward pass against two in its forward pass (Dao, FlashAttention-2, arXiv:2307.08691). */
const FUSED_BACKWARD = 2.5;

/** Operators of the part of attention without weights, forward. Source of the bytes: elements read and written by each kernel of the fused softmax and dropout. */
export function coreForward(run: TrainingRun): readonly OperatorQuery[] {
  if (run.attention === "fused") return [fused(run)];
  const { scores, products } = separate(run);
  return [...products, ...streams(scores, FORWARD_BYTES)];
}

/** The same backward, without recomputing. Factor: time over that of the operators listed. */
export function coreBackward(run: TrainingRun): { readonly operators: readonly OperatorQuery[]; readonly factor: number } {
  if (run.attention === "fused") return { operators: [fused(run)], factor: FUSED_BACKWARD };
  const { scores, products } = separate(run);
  return { operators: [...products, ...products, ...streams(scores, BACKWARD_BYTES)], factor: 1 };
}

function separate(run: TrainingRun): { readonly scores: number; readonly products: readonly OperatorQuery[] } {
  const { model, parallel, sequence, type } = run;
  const rows = (microTokens(run) * model.heads) / parallel.tensor;
  return {
    scores: rows * sequence,
    products: [
      { op: "product", m: rows, n: sequence, k: model.headDim, type },
      { op: "product", m: rows, n: model.headDim, k: sequence, type },
    ],
  };
}

function streams(scores: number, bytes: typeof FORWARD_BYTES): readonly OperatorQuery[] {
  return [
    { op: "stream", bytes: bytes.softmax * scores },
    { op: "stream", bytes: bytes.dropout * scores },
  ];
}

/** Causal attention over whole sequences; context-parallel ranks have an equal share of the pairs (they hold early and late parts). */
function fused(run: TrainingRun): OperatorQuery {
  const { model, parallel, sequence, microBatch, type } = run;
  return {
    op: "prefill-attention",
    batch: microBatch,
    tokens: sequence,
    context: 0,
    heads: Math.max(1, model.heads / (parallel.tensor * parallel.context)),
    kvHeads: Math.max(1, model.kvHeads / (parallel.tensor * parallel.context)),
    headDim: model.headDim,
    window: 0,
    type,
    kvType: type,
  };
}

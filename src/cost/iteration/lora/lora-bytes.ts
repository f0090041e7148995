import type { Cut } from "../cut.ts";
import type { AdaptedProduct } from "./lora-products.ts";

/** Parameters of an adapter on all its products: for each, `inputs x rank` and `rank x outputs`. */
export function adapterParameters(products: readonly AdaptedProduct[], rank: number): number {
  let count = 0;
  for (const { inputs, parts, layers, experts } of products)
    for (const { outputs } of parts) count += layers * (experts?.count ?? 1) * rank * (inputs + outputs);
  return count;
}

/** Of one product on the fullest tensor rank: inputs and rank of its first half, rank and outputs of its second. */
export interface AdapterShare {
  readonly inputs: number;
  readonly shrinkRank: (rank: number) => number;
  readonly outputs: readonly number[];
}

/**
 * What tensor ranks keep and compute of an adapter's two halves.
 *
 * Model: a column's first half is whole on every rank and its second half shared by outputs; a row's first half is shared by inputs and its second half
 * whole, as the sum over ranks follows. What every rank has whole is not shared at all. Fully sharded, a column's first half is shared by rank, a row's second half by outputs.
 * Source: vllm-project/vllm `LoRAConfig.fully_sharded_loras`, `lora/layers/column_parallel_linear.py`, `row_parallel_linear.py`; SGLang shares as
 * vLLM does without it.
 */
export function adapterShare({ cut, inputs, parts }: AdaptedProduct, tensor: number, fullySharded: boolean): AdapterShare {
  const outputs = parts.map(({ outputs: all, pieces }) =>
    cut === "whole" ? all : cut === "column" ? all / Math.min(tensor, pieces) : all / (fullySharded ? tensor : 1),
  );
  return {
    inputs: cut === "row" ? inputs / tensor : inputs,
    shrinkRank: (rank) => (cut === "column" && fullySharded ? Math.ceil(rank / tensor) : rank),
    outputs,
  };
}

/** Bytes of an adapter on the fullest device, at `elementBytes` a parameter. */
export function adapterBytes(products: readonly AdaptedProduct[], rank: number, options: AdapterCut): number {
  const { cut, fullySharded, elementBytes } = options;
  let parameters = 0;
  for (const product of products) {
    const { inputs, shrinkRank, outputs } = adapterShare(product, cut.tensor, fullySharded);
    const pairs = product.layers * (product.experts?.count ?? 1);
    for (const part of outputs) parameters += pairs * (inputs * shrinkRank(rank) + rank * part);
  }
  return (parameters * elementBytes) / cut.pipeline;
}

export interface AdapterCut {
  readonly cut: Cut;
  readonly fullySharded: boolean;
  readonly elementBytes: number;
}

/** Tensors of an adapter on a device: two a part of a product and layer, those of all experts in one. */
export function adapterTensors(products: readonly AdaptedProduct[], { pipeline }: Cut): number {
  return products.reduce((sum, { parts, layers }) => sum + 2 * parts.length * layers, 0) / pipeline;
}

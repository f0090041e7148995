import type { PeakType } from "../../rack/peak-type.ts";

/** A transformer as training needs it: sizes, no names of layers. */
export interface TrainedModel {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width inside the feed-forward part of a dense layer. */
  readonly inner: number;
  /** Two products in, multiplied with one another, instead of one. */
  readonly gated: boolean;
  readonly vocabulary: number;
  /** Every layer's feed-forward part is a mixture instead; `inner` is then unused. */
  readonly experts?: { readonly count: number; readonly active: number; readonly inner: number };
}

/** How a training run is cut and what it keeps. Devices = tensor x context x data x pipeline; `expert` divides tensor x context x data. */
export interface TrainingRun {
  readonly model: TrainedModel;
  /** Tokens of a sequence, sequences of a micro-batch on one data-parallel rank, and of a step over all ranks. */
  readonly sequence: number;
  readonly microBatch: number;
  readonly globalBatch: number;
  readonly parallel: TrainingParallelism;
  readonly recompute: "none" | "selective" | "full";
  /** ZeRO stage: 1 divides the optimizer over data-parallel ranks, 2 gradients too, 3 weights too. */
  readonly zero: 0 | 1 | 2 | 3;
  /** `separate`: scores go through memory (before FlashAttention); `fused`: they do not. */
  readonly attention: "separate" | "fused";
  /** Type of weights in products and of activations. */
  readonly type: PeakType;
  /** Bytes of an element of the gradients that micro-batches add to. */
  readonly gradientBytes: 2 | 4;
  /** What is hidden behind computing: gradients' collectives behind the last backward pass, messages between stages behind other micro-batches. */
  readonly overlap: { readonly gradients: boolean; readonly pipeline: boolean };
}

export interface TrainingParallelism {
  readonly tensor: number;
  readonly pipeline: number;
  /** Parts of layers that a stage has (interleaved schedule); 1: plain 1F1B. */
  readonly interleave: number;
  readonly data: number;
  readonly context: number;
  readonly expert: number;
  /** Norms and dropout divided over the tensor-parallel ranks too. */
  readonly sequence: boolean;
}

/** Devices of a run. */
export function trainingDevices({ parallel }: TrainingRun): number {
  return parallel.tensor * parallel.context * parallel.data * parallel.pipeline;
}

/** Micro-batches of a step that one data-parallel rank works through. */
export function microBatches({ globalBatch, microBatch, parallel }: TrainingRun): number {
  return globalBatch / (microBatch * parallel.data);
}

/** Tokens of a micro-batch on one device. */
export function microTokens({ microBatch, sequence, parallel }: TrainingRun): number {
  return (microBatch * sequence) / parallel.context;
}

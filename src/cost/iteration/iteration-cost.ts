import type { Nanoseconds } from "../../base/units.ts";
import type { Basis } from "../estimate.ts";

/** What one iteration of a replica computes, as sums over its sequences, so that pricing it and leaping over many needs no lists. */
export interface BatchShape {
  /** Sequences with new prompt tokens, and those tokens. */
  prefills: number;
  prefillTokens: number;
  /** Sum over them of tokens x tokens already cached, and of tokens squared: attention's query-key pairs are context + (squares + tokens) / 2. */
  prefillContext: number;
  prefillSquares: number;
  /** Sequences that decode one token (before speculation), the sum of their contexts with the new token, and the longest. */
  decodes: number;
  decodeContext: number;
  decodeContextMax: number;
  /** Where replicas serve adapters: what of it is computed with them. */
  readonly lora?: LoraShape;
  /** Where replicas encode images: those of the iteration. */
  readonly vision?: VisionShape;
}

/** Images an iteration encodes. */
export interface VisionShape {
  images: number;
  /** Their patches, the sum of the squares of each image's, and the tokens that are handed on. */
  patches: number;
  patchSquares: number;
  tokens: number;
}

/** What an iteration computes with adapters (LoRA). */
export interface LoraShape {
  /** Distinct adapters, and the sum of their ranks. */
  adapters: number;
  ranks: number;
  /** New tokens of requests with an adapter, drafts included, and the sum over them of their adapters' ranks. */
  tokens: number;
  rankTokens: number;
}

/** Prices iterations of one replica: all its devices, collectives and pipeline stages together. Pure, allocation-free, monotone in every field. */
export interface IterationCost {
  /** Time from the start of an iteration to the next one. Units: ns, >= 0, whole. */
  iterationNs(shape: Readonly<BatchShape>): Nanoseconds;
  /** Energy of all devices of the replica in an iteration that takes `ns`. Absent where the devices have no power figure. Units: J. */
  iterationJoules?(shape: Readonly<BatchShape>, ns: Nanoseconds): number;
  /** Relative half-width (90 %) of the power behind the joules; there where they are. */
  readonly joulesSpread?: number;
  /** Relative half-width (90 %) of the systematic error: one factor a run. */
  readonly spread: number;
  readonly basis: Basis;
  readonly source: string;
}

export function emptyBatch(): BatchShape {
  return { prefills: 0, prefillTokens: 0, prefillContext: 0, prefillSquares: 0, decodes: 0, decodeContext: 0, decodeContextMax: 0 };
}

export function emptyVision(): VisionShape {
  return { images: 0, patches: 0, patchSquares: 0, tokens: 0 };
}

/** A batch of a replica that serves adapters. */
export function emptyLoraBatch(): BatchShape {
  return { ...emptyBatch(), lora: { adapters: 0, ranks: 0, tokens: 0, rankTokens: 0 } };
}

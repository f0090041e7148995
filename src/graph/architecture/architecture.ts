import type { DataType } from "../ir/graph.ts";
import type { ImageRule } from "./image-rule.ts";
import type { Recommender } from "./recommender.ts";
import type { MtpModule, Stack } from "./stack.ts";

/** What a model is made of, without weights: enough to count, size and cost every part of it. */
export type Architecture = SequenceModel | Recommender;

/** Stacks of layers over sequences: a decoder, an encoder, or encoders that feed a decoder, which comes last. */
export interface SequenceModel {
  readonly kind: "sequence";
  /** The configuration's `model_type`. */
  readonly family: string;
  readonly stacks: readonly Stack[];
  /** Modules that draft further tokens; the model runs without them. */
  readonly mtp: readonly MtpModule[];
  /** Longest sequence of the last stack, in tokens; undefined where nothing bounds it. */
  readonly contextLength: number | undefined;
  /** Element type the configuration names for weights and activations. */
  readonly type: DataType | undefined;
  /** How images become tokens, where the model reads any and that is known. */
  readonly images?: ImageRule;
  /** Weights that share a scale where they are published as 4-bit whole numbers; absent: not said. */
  readonly weightGroup?: number;
  readonly activeConvention: ActiveConvention;
  /** What a reader of the figures must know about this configuration. */
  readonly notes: readonly string[];
}

/**
 * What a publisher counts as active parameters of a token: everything but the experts a token does not visit (`all`), or without the
 * table of input embeddings as well, of which a token reads one row (`without-embedding`). A tied table is the head, and counts.
 */
export type ActiveConvention = "all" | "without-embedding";

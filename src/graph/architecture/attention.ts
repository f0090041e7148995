/** Attention of many query heads over as many or fewer key-value heads (multi-head, grouped-query, multi-query). */
export interface Attention {
  readonly kind: "attention";
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Learned offsets of the four products. */
  readonly bias: { readonly q: boolean; readonly k: boolean; readonly v: boolean; readonly o: boolean };
  /** Learned norms of queries and keys: per head, or over all heads together. */
  readonly qkNorm: "none" | "per-head" | "whole";
  readonly reach: Reach;
  readonly rotary: boolean;
  /** A learned logit per head that takes attention from the tokens (gpt-oss). */
  readonly sinks: boolean;
}

/** Which earlier tokens a token sees: all, the last `tokens` of them with itself, or those of its own chunk. In an encoder earlier and later ones: a chunk is a square of patches. */
export type Reach = { readonly kind: "all" } | { readonly kind: "window" | "chunk"; readonly tokens: number };

/** Attention over the output of an encoder; its keys and values are computed once an input. */
export interface CrossAttention {
  readonly kind: "cross-attention";
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly bias: Attention["bias"];
  /** Learned norms of queries and keys, per head. */
  readonly qkNorm: "none" | "per-head";
  /** Positions of the encoder's output. */
  readonly sourceLength: number;
  readonly sourceWidth: number;
}

/**
 * Multi-head latent attention: keys and values of all heads are products of one latent vector a token, and only that and one rotated key
 * are kept. Source: DeepSeek-V2, arXiv 2405.04434, 2.1.
 */
export interface LatentAttention {
  readonly kind: "latent-attention";
  readonly heads: number;
  /** Rank of queries; undefined where they are one product. */
  readonly queryRank: number | undefined;
  readonly kvRank: number;
  /** Elements of a head's query and key that are not rotated, that are, and of its value. */
  readonly plainDim: number;
  readonly rotatedDim: number;
  readonly valueDim: number;
  readonly bias: boolean;
  /** What chooses the tokens that are attended to; absent: all are. */
  readonly indexer?: Indexer;
}

/**
 * A small attention of its own over all tokens whose scores choose those that the block attends to. It keeps one key a token.
 * Source: DeepSeek-V3.2, arXiv 2512.02556, 2.1 ("lightning indexer").
 */
export interface Indexer {
  /** Tokens a token attends to at most. */
  readonly chosen: number;
  /** `own`: scores its layer computes; `shared`: the choice of the layer before, without weights or keys here. */
  readonly scores: "own" | "shared";
  readonly heads: number;
  readonly headDim: number;
}

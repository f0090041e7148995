import type { DataType } from "../ir/graph.ts";

/**
 * A recommendation model: dense features through one perceptron, sparse features through embedding tables, the dot products of all pairs of
 * them through another. Source: DLRM, Naumov et al. 2019, arXiv 1906.00091.
 */
export interface Recommender {
  readonly kind: "recommender";
  readonly family: string;
  /** Elements of an embedding. */
  readonly width: number;
  readonly tables: readonly EmbeddingTable[];
  /** Sizes of the perceptrons, inputs first. */
  readonly bottom: readonly number[];
  readonly top: readonly number[];
  readonly type: DataType | undefined;
  readonly notes: readonly string[];
}

export interface EmbeddingTable {
  readonly rows: number;
  /** Rows summed for one request. */
  readonly lookups: number;
}

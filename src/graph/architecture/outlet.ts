import type { NormKind } from "./norm-kind.ts";

/** What a stack gives. */
export type Outlet = Head | Pooler | Projector | { readonly kind: "none" };

/** Logits of the last token; `tied` heads are the table of input embeddings. */
export interface Head {
  readonly kind: "head";
  readonly outputs: number;
  readonly tied: boolean;
  readonly bias: boolean;
}

/** One product of the first position. */
export interface Pooler {
  readonly kind: "pooler";
  readonly outputs: number;
}

/** Brings an encoder's positions to the width of the decoder. */
export interface Projector {
  readonly kind: "projector";
  /** Positions that are handed on, and their width when they reach the first product. */
  readonly positions: number;
  readonly width: number;
  readonly norm: "none" | NormKind;
  /** Outputs of the products, one after the other, and whether they have learned offsets. */
  readonly products: readonly number[];
  readonly bias: boolean;
}

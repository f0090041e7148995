import type { Attention, CrossAttention, LatentAttention } from "./attention.ts";
import type { DenseFeedForward, MixtureFeedForward } from "./feed-forward.ts";
import type { Mamba2 } from "./mamba2.ts";
import type { NormKind } from "./norm-kind.ts";
import type { Outlet, Projector } from "./outlet.ts";
import type { Stem } from "./stem.ts";

/** A column of layers of one width. */
export interface Stack {
  /** A decoder sees earlier tokens only and keeps state between runs; an encoder sees its whole input at once and keeps none. */
  readonly role: "decoder" | "encoder";
  /** Leads the names of its parts: `vision.`, empty for the only stack or the decoder of a model. */
  readonly prefix: string;
  readonly width: number;
  readonly norm: NormKind;
  readonly stem: Stem;
  readonly layers: readonly Layer[];
  /** A norm behind the last layer. */
  readonly finalNorm: boolean;
  readonly outlet: Outlet;
  /** Of an encoder: the stream behind these layers is handed on too, each through a projector of its own (DeepStack, arXiv 2406.04334). */
  readonly taps?: readonly { readonly layer: number; readonly projector: Projector }[];
}

/** Blocks one after the other, each adding to the residual stream. */
export interface Layer {
  readonly blocks: readonly PlacedBlock[];
}

export interface PlacedBlock {
  readonly block: Block;
  /** Norms of the stream around the block. */
  readonly norms: "before" | "after" | "both";
  /** Learned factors of what the block adds: one a channel (LayerScale, arXiv 2103.17239), or one number (a gate). */
  readonly scale?: "channels" | "number";
}

export type Block = Attention | LatentAttention | CrossAttention | Mamba2 | DenseFeedForward | MixtureFeedForward;

/** A module that predicts one token further: a projection of stream and embedding, then one layer. Source: DeepSeek-V3, arXiv 2412.19437, 2.2. */
export interface MtpModule {
  readonly layer: Layer;
}

import type { Attention } from "../attention.ts";
import type { Layer } from "../stack.ts";
import { layersOf } from "./decoder-fields.ts";
import { divide } from "./fields.ts";

export interface EncoderShape {
  readonly width: number;
  readonly heads: number;
  readonly inner: number;
  readonly layers: number;
  readonly norms: "before" | "after";
  /** Offset of the key product; Whisper has none. */
  readonly keyBias?: boolean;
  readonly headsField: string;
  readonly rotary?: boolean;
}

/** Layers of multi-head attention and two plain products, all with biases. */
export function encoderLayers(shape: EncoderShape): readonly Layer[] {
  const { norms } = shape;
  const block = plainAttention(shape);
  const feedForward = { kind: "feed-forward", gated: false, inner: shape.inner, bias: true } as const;
  return layersOf(shape.layers, () => [
    { block, norms },
    { block: feedForward, norms },
  ]);
}

export function plainAttention(shape: Omit<EncoderShape, "inner" | "layers" | "norms">): Attention {
  const { width, heads, keyBias = true } = shape;
  return {
    kind: "attention",
    heads,
    kvHeads: heads,
    headDim: divide(width, heads, shape.headsField),
    bias: { q: true, k: keyBias, v: true, o: true },
    qkNorm: "none",
    reach: { kind: "all" },
    rotary: shape.rotary ?? false,
    sinks: false,
  };
}

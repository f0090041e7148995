import type { DecoderSpec } from "../decoder/spec.ts";
import type { OnnxBuilder, Value } from "../onnx/builder.ts";

/**
 * `prefill`: rows are S tokens of one sequence. `decode`: rows are one token of each of R sequences. `mixed`: R rows of the one and then S of the
 * other, so that both read the weights once.
 */
export type Phase = "prefill" | "decode" | "mixed";

export interface AttentionInputs {
  /** Queries, keys and values, [rows, (H + 2·KV)·D]; queries already scaled. */
  readonly qkv: Value;
  /** Shapes: [1, KV, P, D] in prefill, [N, KV, 1, T, D] in decode. */
  readonly pastKeys: Value;
  readonly pastValues: Value;
  /** Norms of query and key heads before the rotation (Qwen3), [D] each. */
  readonly norms: HeadNorms | undefined;
}

export interface HeadNorms {
  readonly query: Value;
  readonly key: Value;
  readonly epsilon: number;
}

export interface AttentionOutputs {
  /** [rows, H·D] */
  readonly mixed: Value;
  /** [B, KV, S, D]: one sequence of S tokens in prefill, R sequences of one token in decode. */
  readonly newKeys: Value;
  readonly newValues: Value;
}

/** What attention of either phase is built with; H heads, KV key-value heads, G = H / KV heads a group, D head dimension. */
export interface Attending {
  readonly builder: OnnxBuilder;
  readonly spec: DecoderSpec;
  /** Cosines and sines of all positions, [positions, D / 2]. */
  readonly cosines: Value;
  readonly sines: Value;
}

/** Root-mean-square norms over the last axis of query and key heads. */
export function normHeads(builder: OnnxBuilder, norms: HeadNorms, heads: { queries: Value; keys: Value }): { queries: Value; keys: Value } {
  const attributes = { epsilon: { float: norms.epsilon }, axis: -1 };
  const normed = (x: Value, weight: Value): Value => builder.node("SimplifiedLayerNormalization", [x, weight], { attributes });
  return { queries: normed(heads.queries, norms.query), keys: normed(heads.keys, norms.key) };
}

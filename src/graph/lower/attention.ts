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
  /** Shapes: [1, KV, P, D] in prefill, or [1, P, KV·D] with tokens first; [N, KV, 1, T, D] in decode. */
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
  /** [B, KV, S, D]: one sequence of S tokens in prefill, R sequences of one token in decode; [1, S, KV·D] of attention with tokens first. */
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
  return { queries: normHead(builder, norms, "query", heads.queries), keys: normHead(builder, norms, "key", heads.keys) };
}

/** Root-mean-square norm over the last axis of heads of one kind. */
export function normHead(builder: OnnxBuilder, norms: HeadNorms, kind: "query" | "key", heads: Value): Value {
  const attributes = { epsilon: { float: norms.epsilon }, axis: -1 };
  return builder.node("SimplifiedLayerNormalization", [heads, norms[kind]], { attributes });
}

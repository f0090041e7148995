import type { DecoderSpec } from "../decoder/spec.ts";
import type { OnnxBuilder, Value } from "../onnx/builder.ts";
import { int64Constant } from "./product.ts";

/** `prefill`: rows are S tokens of one sequence (B = 1). `decode`: rows are one token of each of B lanes (S = 1). */
export type Phase = "prefill" | "decode";

/** Values all layers read. */
export interface AttentionShared {
  /** int64 [B, S] */
  readonly positions: Value;
  readonly cosines: Value;
  readonly sines: Value;
  /** Added to the scores of the past: 0 or a large negative number; [B, 1, 1, P]. */
  readonly pastMask: Value;
  /** Added to the scores of the new tokens; [1, 1, G·S, S]; absent in decode, where a token only sees itself. */
  readonly newMask: Value | undefined;
  /** int64 [2]: P and S. */
  readonly splitSizes: Value;
}

export interface AttentionInputs {
  /** Queries, keys and values, [B·S, (H + 2·KV)·D]; queries already scaled. */
  readonly qkv: Value;
  /** [B, KV, P, D] */
  readonly pastKeys: Value;
  readonly pastValues: Value;
  /** Norms of query and key heads before the rotation (Qwen3), [D] each. */
  readonly norms: { readonly query: Value; readonly key: Value; readonly epsilon: number } | undefined;
}

export interface AttentionOutputs {
  /** [B·S, H·D] */
  readonly mixed: Value;
  /** [B, KV, S, D] */
  readonly newKeys: Value;
  readonly newValues: Value;
}

interface Attending {
  readonly builder: OnnxBuilder;
  readonly spec: DecoderSpec;
  readonly phase: Phase;
  readonly shared: AttentionShared;
}

/**
 * Grouped-query attention in two parts, past and new, with one softmax over both: the past stays where it lies and only new rows leave.
 *
 * Shapes: H heads, KV key-value heads, G = H / KV heads a group, D head dimension, P padded past.
 */
export function attention(attending: Attending, inputs: AttentionInputs): AttentionOutputs {
  const { builder, spec, phase, shared } = attending;
  const { heads, kvHeads, headDim } = spec;
  const { queriesKeys, newValues } = headsOf(attending, inputs);
  const rotated = builder.node("RotaryEmbedding", [queriesKeys, shared.positions, shared.cosines, shared.sines], {
    domain: "com.microsoft",
    attributes: { interleaved: spec.rope.interleaved ? 1 : 0 },
  });
  const [q = "", newKeys = ""] = splitHeads(builder, rotated, [heads, kvHeads]);
  const queries = builder.node("Reshape", [q, int64Constant(builder, [0, kvHeads, -1, headDim])]);
  const transposed = { domain: "com.microsoft", attributes: { transB: 1 } };
  const past = builder.node("Add", [builder.node("FusedMatMul", [queries, inputs.pastKeys], transposed), shared.pastMask]);
  const fresh = builder.node("FusedMatMul", [queries, newKeys], transposed);
  const masked = shared.newMask === undefined ? fresh : builder.node("Add", [fresh, shared.newMask]);
  const scores = builder.node("Concat", [past, masked], { attributes: { axis: -1 } });
  const shares = builder.node("Softmax", [scores], { attributes: { axis: -1 } });
  const [ofPast = "", ofNew = ""] = builder.nodeOutputs("Split", [shares, shared.splitSizes], { attributes: { axis: -1 }, outputs: 2 });
  const sum = builder.node("Add", [builder.node("MatMul", [ofPast, inputs.pastValues]), builder.node("MatMul", [ofNew, newValues])]);
  return { mixed: phase === "prefill" ? rowsOf(builder, spec, sum) : flatten(builder, spec, sum), newKeys, newValues };
}

/** Heads before their rows, [B, heads, S, D]: queries and keys together, so that one operator rotates both, and values. */
function headsOf(attending: Attending, inputs: AttentionInputs): { queriesKeys: Value; newValues: Value } {
  const { builder, spec, phase } = attending;
  const { heads, kvHeads, headDim } = spec;
  const all = heads + 2 * kvHeads;
  const shape = phase === "prefill" ? [1, -1, all, headDim] : [-1, all, 1, headDim];
  const shaped = builder.node("Reshape", [inputs.qkv, int64Constant(builder, shape)]);
  const byHead = phase === "prefill" ? builder.node("Transpose", [shaped], { attributes: { perm: [0, 2, 1, 3] } }) : shaped;
  if (inputs.norms === undefined) {
    const [queriesKeys = "", newValues = ""] = splitHeads(builder, byHead, [heads + kvHeads, kvHeads]);
    return { queriesKeys, newValues };
  }
  const { query, key, epsilon } = inputs.norms;
  const attributes = { epsilon: { float: epsilon }, axis: -1 };
  const [q = "", k = "", newValues = ""] = splitHeads(builder, byHead, [heads, kvHeads, kvHeads]);
  const normed = [builder.node("SimplifiedLayerNormalization", [q, query], { attributes })];
  normed.push(builder.node("SimplifiedLayerNormalization", [k, key], { attributes }));
  return { queriesKeys: builder.node("Concat", normed, { attributes: { axis: 1 } }), newValues };
}

function splitHeads(builder: OnnxBuilder, value: Value, sizes: readonly number[]): Value[] {
  return builder.nodeOutputs("Split", [value, int64Constant(builder, sizes)], { attributes: { axis: 1 }, outputs: sizes.length });
}

function rowsOf(builder: OnnxBuilder, spec: DecoderSpec, mixed: Value): Value {
  const byHead = builder.node("Reshape", [mixed, int64Constant(builder, [spec.heads, -1, spec.headDim])]);
  return flatten(builder, spec, builder.node("Transpose", [byHead], { attributes: { perm: [1, 0, 2] } }));
}

function flatten(builder: OnnxBuilder, spec: DecoderSpec, mixed: Value): Value {
  return builder.node("Reshape", [mixed, int64Constant(builder, [-1, spec.heads * spec.headDim])]);
}

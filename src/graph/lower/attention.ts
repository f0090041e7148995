import type { DecoderSpec } from "../decoder/spec.ts";
import type { OnnxBuilder, Value } from "../onnx/builder.ts";
import { int64Constant } from "./product.ts";

/** `prefill`: rows are S tokens of one sequence. `decode`: rows are one token of each of B lanes. */
export type Phase = "prefill" | "decode";

export interface AttentionInputs {
  /** Queries and keys after rotation, prefill [1, S, (H+KV)·D], decode [B, 1, (H+KV)·D]; queries already scaled. */
  readonly queriesKeys: Value;
  /** Values, [rows, KV·D]. */
  readonly values: Value;
  /** Prefill [KV, P, D], decode [B, KV, P, D]. */
  readonly pastKeys: Value;
  readonly pastValues: Value;
  /** Added to the scores of the past: 0 or a large negative number; prefill [1, 1, P], decode [B, 1, 1, P]. */
  readonly pastMask: Value;
  /** Added to the scores of the new tokens; prefill [1, G·S, S]; absent in decode, where a token only sees itself. */
  readonly newMask: Value | undefined;
  /** int64 [2]: P and the number of new keys. */
  readonly splitSizes: Value;
}

export interface AttentionOutputs {
  /** [rows, H·D] */
  readonly mixed: Value;
  /** Prefill [KV, S, D], decode [B, KV, 1, D]. */
  readonly newKeys: Value;
  readonly newValues: Value;
}

/**
 * Grouped-query attention in two parts, past and new, with one softmax over both: the past stays where it lies and only new rows leave.
 *
 * Shapes: H heads, KV key-value heads, G = H / KV heads a group, D head dimension, P padded past.
 */
export function attention(builder: OnnxBuilder, spec: DecoderSpec, given: { phase: Phase; inputs: AttentionInputs }): AttentionOutputs {
  const { phase, inputs } = given;
  const { queries, newKeys, newValues } = phase === "prefill" ? prefillHeads(builder, spec, inputs) : decodeHeads(builder, spec, inputs);
  const transposed = { domain: "com.microsoft", attributes: { transB: 1 } };
  const past = builder.node("Add", [builder.node("FusedMatMul", [queries, inputs.pastKeys], transposed), inputs.pastMask]);
  const fresh = builder.node("FusedMatMul", [queries, newKeys], transposed);
  const masked = inputs.newMask === undefined ? fresh : builder.node("Add", [fresh, inputs.newMask]);
  const scores = builder.node("Concat", [past, masked], { attributes: { axis: -1 } });
  const shares = builder.node("Softmax", [scores], { attributes: { axis: -1 } });
  const [ofPast = "", ofNew = ""] = builder.nodeOutputs("Split", [shares, inputs.splitSizes], { attributes: { axis: -1 }, outputs: 2 });
  const fromPast = builder.node("MatMul", [ofPast, inputs.pastValues]);
  const fromNew = builder.node("MatMul", [ofNew, newValues]);
  const sum = builder.node("Add", [fromPast, fromNew]);
  return { mixed: phase === "prefill" ? gatherHeads(builder, spec, sum) : flatten(builder, spec, sum), newKeys, newValues };
}

interface Heads {
  readonly queries: Value;
  readonly newKeys: Value;
  readonly newValues: Value;
}

function prefillHeads(builder: OnnxBuilder, spec: DecoderSpec, inputs: AttentionInputs): Heads {
  const { heads, kvHeads, headDim } = spec;
  const byHead = (value: Value, count: number): Value => {
    const split = builder.node("Reshape", [value, int64Constant(builder, [-1, count, headDim])]);
    return builder.node("Transpose", [split], { attributes: { perm: [1, 0, 2] } });
  };
  const both = byHead(inputs.queriesKeys, heads + kvHeads);
  const [q = "", newKeys = ""] = builder.nodeOutputs("Split", [both, int64Constant(builder, [heads, kvHeads])], {
    attributes: { axis: 0 },
    outputs: 2,
  });
  const queries = builder.node("Reshape", [q, int64Constant(builder, [kvHeads, -1, headDim])]);
  return { queries, newKeys, newValues: byHead(inputs.values, kvHeads) };
}

function decodeHeads(builder: OnnxBuilder, spec: DecoderSpec, inputs: AttentionInputs): Heads {
  const { heads, kvHeads, headDim } = spec;
  const [q = "", k = ""] = builder.nodeOutputs(
    "Split",
    [inputs.queriesKeys, int64Constant(builder, [heads * headDim, kvHeads * headDim])],
    { attributes: { axis: 2 }, outputs: 2 },
  );
  const grouped = (value: Value, group: number): Value =>
    builder.node("Reshape", [value, int64Constant(builder, [-1, kvHeads, group, headDim])]);
  return { queries: grouped(q, heads / kvHeads), newKeys: grouped(k, 1), newValues: grouped(inputs.values, 1) };
}

function gatherHeads(builder: OnnxBuilder, spec: DecoderSpec, mixed: Value): Value {
  const byHead = builder.node("Reshape", [mixed, int64Constant(builder, [spec.heads, -1, spec.headDim])]);
  const byRow = builder.node("Transpose", [byHead], { attributes: { perm: [1, 0, 2] } });
  return flatten(builder, spec, byRow);
}

function flatten(builder: OnnxBuilder, spec: DecoderSpec, mixed: Value): Value {
  return builder.node("Reshape", [mixed, int64Constant(builder, [-1, spec.heads * spec.headDim])]);
}

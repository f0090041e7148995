import type { OnnxBuilder, Value } from "../onnx/builder.ts";
import { type Attending, type AttentionInputs, type AttentionOutputs, normHeads } from "./attention.ts";
import { int64Constant } from "./constants.ts";

/** Values all layers of a prefill graph read where its attention is written out. */
export interface MaskedShared {
  /** int64 [1, S] */
  readonly positions: Value;
  /** 0 where a row of the chunk attends to a token of the past or the chunk, else a large negative number; [S, P + S]. */
  readonly mask: Value;
}

/** Declares the shared values as inputs of the graph. */
export function maskedInputs(builder: OnnxBuilder): MaskedShared {
  return {
    positions: builder.input("prompt_positions", "int64", [1, "S"]),
    mask: builder.input("prompt_mask", "float32", ["S", "T"]),
  };
}

/**
 * Causal grouped-query attention of S new tokens of one sequence after a past padded to P, of matrix products and one softmax, for runtimes that
 * fuse them into one kernel.
 *
 * Model: queries of a group share keys and values by broadcasting, [KV, G, S, D] against [KV, 1, P + S, D], so that nothing is copied per head.
 */
export function maskedAttention(attending: Attending, shared: MaskedShared, inputs: AttentionInputs): AttentionOutputs {
  const { builder, spec } = attending;
  const { heads, kvHeads, headDim } = spec;
  const reshape = (x: Value, shape: readonly number[]): Value => builder.node("Reshape", [x, int64Constant(builder, shape)]);
  const transpose = (x: Value, perm: readonly number[]): Value => builder.node("Transpose", [x], { attributes: { perm } });
  const { queries, newKeys, newValues } = rotatedHeads(attending, shared.positions, inputs);
  const whole = (past: Value, fresh: Value): Value => builder.node("Concat", [past, fresh], { attributes: { axis: 2 } });
  const keys = reshape(whole(inputs.pastKeys, newKeys), [kvHeads, 1, -1, headDim]);
  const values = reshape(whole(inputs.pastValues, newValues), [kvHeads, 1, -1, headDim]);
  const grouped = reshape(queries, [kvHeads, heads / kvHeads, -1, headDim]);
  const scores = builder.node("MatMul", [grouped, transpose(keys, [0, 1, 3, 2])]);
  const shares = builder.node("Softmax", [builder.node("Add", [scores, shared.mask])], { attributes: { axis: -1 } });
  const mixed = reshape(builder.node("MatMul", [shares, values]), [1, heads, -1, headDim]);
  return { mixed: reshape(transpose(mixed, [0, 2, 1, 3]), [-1, heads * headDim]), newKeys, newValues };
}

/** Heads of the new tokens, [1, heads, S, D]; queries and keys rotated together. */
function rotatedHeads(
  attending: Attending,
  positions: Value,
  { qkv, norms }: AttentionInputs,
): { queries: Value; newKeys: Value; newValues: Value } {
  const { builder, spec, cosines, sines } = attending;
  const { heads, kvHeads, headDim } = spec;
  const shaped = builder.node("Reshape", [qkv, int64Constant(builder, [1, -1, heads + 2 * kvHeads, headDim])]);
  const byHead = builder.node("Transpose", [shaped], { attributes: { perm: [0, 2, 1, 3] } });
  const split = (x: Value, sizes: readonly number[]): Value[] =>
    builder.nodeOutputs("Split", [x, int64Constant(builder, sizes)], { attributes: { axis: 1 }, outputs: sizes.length });
  const rotate = (x: Value): Value =>
    builder.node("RotaryEmbedding", [x, positions, cosines, sines], {
      domain: "com.microsoft",
      attributes: { interleaved: spec.rope.interleaved ? 1 : 0 },
    });
  const [q = "", k = "", newValues = ""] = split(byHead, [heads, kvHeads, kvHeads]);
  const { queries, keys } = norms === undefined ? { queries: q, keys: k } : normHeads(builder, norms, { queries: q, keys: k });
  return { queries: rotate(queries), newKeys: rotate(keys), newValues };
}

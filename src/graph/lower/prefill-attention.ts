import type { OnnxBuilder, Value } from "../onnx/builder.ts";
import { type Attending, type AttentionInputs, type AttentionOutputs, normHeads } from "./attention.ts";
import { int64Constant } from "./constants.ts";

/** Values all layers of a prefill graph read. */
export interface PrefillShared {
  /** int32 [1]: position of the chunk's last token. */
  readonly lastPosition: Value;
  /** int32, scalar: tokens with the chunk. */
  readonly totalTokens: Value;
  /** int64 [1] each: the chunk's rows among all. */
  readonly chunkStart: Value;
  readonly chunkEnd: Value;
}

const MICROSOFT = "com.microsoft";

/** Declares the shared values as inputs of the graph. */
export function prefillInputs(builder: OnnxBuilder): PrefillShared {
  return {
    lastPosition: builder.input("last_position", "int32", [1]),
    totalTokens: builder.input("total_tokens", "int32", []),
    chunkStart: builder.input("chunk_start", "int64", [1]),
    chunkEnd: builder.input("chunk_end", "int64", [1]),
  };
}

/**
 * Causal grouped-query attention of S new tokens of one sequence after a past padded to P, in one operator that also rotates.
 *
 * Model: the operator lays past and new keys and values out anew for itself; only the new rows leave the graph. Most providers of ONNX Runtime have
 * it; on the CPU `wholeAttention` is quicker.
 */
export function prefillAttention(attending: Attending, shared: PrefillShared, inputs: AttentionInputs): AttentionOutputs {
  const { builder, spec, cosines, sines } = attending;
  const { heads, kvHeads, headDim } = spec;
  const attributes = {
    num_heads: heads,
    kv_num_heads: kvHeads,
    do_rotary: 1,
    rotary_interleaved: spec.rope.interleaved ? 1 : 0,
    scale: { float: 1 },
  };
  const { pastKeys, pastValues } = inputs;
  const { lastPosition, totalTokens, chunkStart, chunkEnd } = shared;
  const given = [...queriesKeysValues(attending, inputs), pastKeys, pastValues, lastPosition, totalTokens, cosines, sines];
  const options = { domain: MICROSOFT, attributes, outputs: 3 };
  const [mixed = "", keys = "", values = ""] = builder.nodeOutputs("GroupQueryAttention", given, options);
  const tokens = int64Constant(builder, [2]);
  return {
    mixed: builder.node("Reshape", [mixed, int64Constant(builder, [-1, heads * headDim])]),
    newKeys: builder.node("Slice", [keys, chunkStart, chunkEnd, tokens]),
    newValues: builder.node("Slice", [values, chunkStart, chunkEnd, tokens]),
  };
}

/** The operator's first three inputs, [1, S, heads·D] each; packed into the first where no norm comes between. */
function queriesKeysValues({ builder, spec }: Attending, { qkv, norms }: AttentionInputs): [Value, Value, Value] {
  const { heads, kvHeads, headDim } = spec;
  const rows = (x: Value, count: number): Value => builder.node("Reshape", [x, int64Constant(builder, [1, -1, count * headDim])]);
  if (norms === undefined) return [rows(qkv, heads + 2 * kvHeads), "", ""];
  const sizes = int64Constant(builder, [heads, kvHeads, kvHeads]);
  const byHead = builder.node("Reshape", [qkv, int64Constant(builder, [-1, heads + 2 * kvHeads, headDim])]);
  const [q = "", k = "", v = ""] = builder.nodeOutputs("Split", [byHead, sizes], { attributes: { axis: 1 }, outputs: 3 });
  const { queries, keys } = normHeads(builder, norms, { queries: q, keys: k });
  return [rows(queries, heads), rows(keys, kvHeads), rows(v, kvHeads)];
}

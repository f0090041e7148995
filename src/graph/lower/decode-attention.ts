import type { OnnxBuilder, Value } from "../onnx/builder.ts";
import { type Attending, type AttentionInputs, type AttentionOutputs, normHeads } from "./attention.ts";
import { int64Constant } from "./constants.ts";
import { greatestOver } from "./greatest.ts";

/** Values all layers of a decode graph read; T tokens a page. */
export interface DecodeShared {
  /** int64 [R, 1] */
  readonly positions: Value;
  /** int64 [N]: the row that a page belongs to; any row for pages of none. */
  readonly pageRows: Value;
  /** Added to a page's scores: 0 or a large negative number; [N, 1, 1, 1, T]. */
  readonly pageMask: Value;
  /** 1 where a page belongs to a row, else 0; [R, N]. */
  readonly rowPages: Value;
  /** 0 where a page belongs to a row, else a large negative number; [R, N, 1, 1, 1, 1]. */
  readonly rowMask: Value;
}

/** Declares the shared values as inputs of the graph. */
export function decodeInputs(builder: OnnxBuilder, pageTokens: number): DecodeShared {
  return {
    positions: builder.input("positions", "int64", ["R", 1]),
    pageRows: builder.input("page_rows", "int64", ["N"]),
    pageMask: builder.input("page_mask", "float32", ["N", 1, 1, 1, pageTokens]),
    rowPages: builder.input("row_pages", "float32", ["R", "N"]),
    rowMask: builder.input("row_mask", "float32", ["R", "N", 1, 1, 1, 1]),
  };
}

/** Tokens of a page, the last axis of its scores: counted from the front, since ONNX Runtime reduces an empty tensor over no negative axis. */
const TOKENS_AXIS = 4;
const TRANSPOSED = { domain: "com.microsoft", attributes: { transB: 1 } };

/**
 * Grouped-query attention of one new token in each of R rows over N pages of past keys and values, each page some row's.
 *
 * Model: scores page by page, one maximum and one sum a row over its pages and the token itself, as in online softmax (Milakov and Gimelshein,
 * 2018, arXiv 1805.02867); sums over a row's pages are products with a matrix of zeros and ones. Rows of any lengths share a run without
 * padding, and only new keys and values leave. Shapes name pages and rows first: [N or R, KV, G, 1, …]; with a single query a product the
 * past is read without being packed.
 */
export function decodeAttention(attending: Attending, shared: DecodeShared, inputs: AttentionInputs): AttentionOutputs {
  const { builder, spec } = attending;
  const { heads, kvHeads, headDim } = spec;
  const groups = heads / kvHeads;
  const reshape = (x: Value, shape: readonly number[]): Value => builder.node("Reshape", [x, int64Constant(builder, shape)]);
  const ofPage = (x: Value): Value => builder.node("Gather", [x, shared.pageRows], { attributes: { axis: 0 } });
  const overPages = (x: Value, size: number): Value =>
    reshape(builder.node("MatMul", [shared.rowPages, reshape(x, [-1, heads * size])]), [-1, kvHeads, groups, 1, size]);

  const { q, newKeys, newValues } = rotatedHeads(attending, shared.positions, inputs);
  const queries = reshape(q, [0, kvHeads, groups, 1, headDim]);
  const own = builder.node("FusedMatMul", [queries, reshape(newKeys, [0, kvHeads, 1, 1, headDim])], TRANSPOSED);
  const raw = builder.node("FusedMatMul", [ofPage(queries), inputs.pastKeys], TRANSPOSED);
  const scores = builder.node("Add", [raw, shared.pageMask]);

  const pageMost = greatestOver(builder, scores, TOKENS_AXIS, 1);
  const rowMost = builder.node("Max", [own, greatestOver(builder, builder.node("Add", [pageMost, shared.rowMask]), 1, 0)]);
  const shares = builder.node("Exp", [builder.node("Sub", [scores, ofPage(rowMost)])]);
  const ownShare = builder.node("Exp", [builder.node("Sub", [own, rowMost])]);

  const pageSum = builder.node("ReduceSum", [shares, int64Constant(builder, [TOKENS_AXIS])], { attributes: { keepdims: 1 } });
  const total = builder.node("Add", [overPages(pageSum, 1), ownShare]);
  const ownValues = builder.node("Mul", [ownShare, reshape(newValues, [0, kvHeads, 1, 1, headDim])]);
  const pageValues = builder.node("MatMul", [shares, inputs.pastValues]);
  const values = builder.node("Add", [overPages(pageValues, headDim), ownValues]);
  return { mixed: reshape(builder.node("Div", [values, total]), [-1, heads * headDim]), newKeys, newValues };
}

/** Heads of the new tokens, [R, heads, 1, D]; queries and keys rotated together, by one operator. */
function rotatedHeads(attending: Attending, positions: Value, inputs: AttentionInputs): { q: Value; newKeys: Value; newValues: Value } {
  const { builder, spec, cosines, sines } = attending;
  const { queriesKeys, newValues } = headsOf(attending, inputs);
  const rotated = builder.node("RotaryEmbedding", [queriesKeys, positions, cosines, sines], {
    domain: "com.microsoft",
    attributes: { interleaved: spec.rope.interleaved ? 1 : 0 },
  });
  const [q = "", newKeys = ""] = splitHeads(builder, rotated, [spec.heads, spec.kvHeads]);
  return { q, newKeys, newValues };
}

function headsOf({ builder, spec }: Attending, { qkv, norms }: AttentionInputs): { queriesKeys: Value; newValues: Value } {
  const { heads, kvHeads, headDim } = spec;
  const shaped = builder.node("Reshape", [qkv, int64Constant(builder, [-1, heads + 2 * kvHeads, 1, headDim])]);
  if (norms === undefined) {
    const [queriesKeys = "", newValues = ""] = splitHeads(builder, shaped, [heads + kvHeads, kvHeads]);
    return { queriesKeys, newValues };
  }
  const [q = "", k = "", newValues = ""] = splitHeads(builder, shaped, [heads, kvHeads, kvHeads]);
  const { queries, keys } = normHeads(builder, norms, { queries: q, keys: k });
  return { queriesKeys: builder.node("Concat", [queries, keys], { attributes: { axis: 1 } }), newValues };
}

function splitHeads(builder: OnnxBuilder, value: Value, sizes: readonly number[]): Value[] {
  return builder.nodeOutputs("Split", [value, int64Constant(builder, sizes)], { attributes: { axis: 1 }, outputs: sizes.length });
}

import type { PeakType } from "../../rack/peak-type.ts";
import type {
  DecodeAttentionQuery,
  ExpertQuery,
  LatentAttentionQuery,
  OperatorQuery,
  PrefillAttentionQuery,
  ProductQuery,
  SparseAttentionQuery,
} from "./operator-query.ts";
import { STORED_BYTES, storedBytes } from "./stored-bytes.ts";

/** What an operator cannot do with less of: operations (a multiply-add counted as 2) of one type, and bytes that are read or written at least once. */
export interface OperatorWork {
  readonly ops: number;
  readonly type: PeakType;
  readonly bytes: number;
}

/** Results and activations between kernels. */
const ACTIVATION_BYTES = 2;
/** Gate, up and down products of an expert. */
const EXPERT_PRODUCTS = 3;

/** Work of an operator that computes on one device; undefined for streams of bytes without operations and for communication. */
export function operatorWork(query: OperatorQuery): OperatorWork | undefined {
  switch (query.op) {
    case "product":
      return productWork(query);
    case "prefill-attention":
      return prefillWork(query);
    case "decode-attention":
      return decodeWork(query);
    case "latent-attention":
      return latentWork(query);
    case "sparse-attention":
      return sparseWork(query);
    case "experts":
      return expertWork(query);
    default:
      return undefined;
  }
}

export function productWork({ m, n, k, type, weightType, weightGroup }: ProductQuery): OperatorWork {
  const bytes = m * k * STORED_BYTES[type] + n * k * storedBytes(weightType ?? type, weightGroup) + m * n * ACTIVATION_BYTES;
  return { ops: 2 * m * n * k, type, bytes };
}

/** Pairs of a query and a key it may see, in one sequence and head: causal, inside the window where there is one. */
export function causalPairs(tokens: number, context: number, window: number): number {
  const all = tokens * context + (tokens * (tokens + 1)) / 2;
  if (window <= 0 || context + tokens <= window) return all;
  // Token i (from 1) sees min(context + i, window).
  const rising = Math.max(0, Math.min(tokens, window - context));
  return rising * context + (rising * (rising + 1)) / 2 + (tokens - rising) * window;
}

export function prefillWork(query: PrefillAttentionQuery): OperatorWork {
  const { batch, tokens, context, heads, kvHeads, headDim, window } = query;
  const seen = window > 0 ? Math.min(context, window) + tokens : context + tokens;
  const bytes = batch * headDim * (2 * tokens * heads * ACTIVATION_BYTES + 2 * seen * kvHeads * STORED_BYTES[query.kvType]);
  return { ops: 4 * batch * heads * headDim * causalPairs(tokens, context, window), type: query.type, bytes };
}

/** Type of the arithmetic is that of 16-bit queries, which every engine can fall back to. */
export function decodeWork(query: DecodeAttentionQuery): OperatorWork {
  const { batch, heads, kvHeads, headDim, window } = query;
  const seen = window > 0 ? Math.min(query.context, window) : query.context;
  const bytes = batch * headDim * (2 * heads * ACTIVATION_BYTES + 2 * seen * kvHeads * STORED_BYTES[query.kvType]);
  return { ops: 4 * batch * heads * headDim * seen, type: "bf16", bytes };
}

/**
 * Projections and attention of a whole block. Prefill expands keys and values; decode multiplies in the latent space.
 *
 * Source: DeepSeek-V2 report (arXiv 2405.04434), section 2.1.
 */
export function latentWork(query: LatentAttentionQuery): OperatorWork {
  const { batch, tokens, context, heads, width, queryRank, kvRank, plainDim, rotatedDim, valueDim } = query;
  const rows = batch * tokens;
  const queryDim = plainDim + rotatedDim;
  const shared = width * (queryRank + kvRank + rotatedDim) + queryRank * heads * queryDim + heads * valueDim * width;
  const expanded = kvRank * heads * (plainDim + valueDim);
  let ops = 2 * rows * (shared + expanded);
  if (query.phase === "prefill") ops += 2 * batch * heads * (queryDim + valueDim) * causalPairs(tokens, context, 0);
  else ops += 2 * rows * heads * context * (2 * kvRank + rotatedDim);
  const cached = batch * (query.phase === "prefill" ? context + tokens : context) * (kvRank + rotatedDim);
  const bytes = (shared + expanded) * STORED_BYTES[query.type] + 2 * rows * width * ACTIVATION_BYTES + cached * STORED_BYTES[query.kvType];
  return { ops, type: query.type, bytes };
}

/**
 * Projections and attention of a whole block over chosen tokens, in the latent space or expanded, whichever is less, and its indexer.
 *
 * Model: scores count where there are more tokens than are chosen; keys are read once however many positions choose them.
 */
export function sparseWork(query: SparseAttentionQuery): OperatorWork {
  const { batch, tokens, context, heads, width, queryRank, kvRank, plainDim, rotatedDim, valueDim, chosen, indexHeads, indexDim } = query;
  const rows = batch * tokens;
  const prefill = query.phase === "prefill";
  const all = prefill ? context + tokens : context;
  const queryDim = plainDim + rotatedDim;
  const indexer = indexHeads * (indexDim * queryRank + width) + (indexHeads > 0 ? indexDim * width : 0);
  const shared = width * (queryRank + kvRank + rotatedDim) + queryRank * heads * queryDim + heads * valueDim * width;
  const expanded = kvRank * heads * (plainDim + valueDim);
  const pairs = prefill ? batch * causalPairs(tokens, context, chosen) : rows * Math.min(context, chosen);
  const least = prefill ? Math.min(queryDim + valueDim, 2 * kvRank + rotatedDim) : 2 * kvRank + rotatedDim;
  const scored = all > chosen ? (prefill ? batch * causalPairs(tokens, context, 0) : rows * context) : 0;
  const ops = 2 * (rows * (shared + expanded + indexer) + heads * pairs * least + scored * indexHeads * indexDim);
  const cached = batch * Math.min(all, tokens * chosen) * (kvRank + rotatedDim) * STORED_BYTES[query.kvType];
  const keys = scored > 0 && indexHeads > 0 ? batch * all * indexDim : 0;
  const weights = (shared + expanded + indexer) * STORED_BYTES[query.type];
  return { ops, type: query.type, bytes: weights + 2 * rows * width * ACTIVATION_BYTES + cached + keys };
}

/** Rows fall evenly on the devices; an expert is read where at least one token is routed to it, as even loads touch them. */
export function expertWork(query: ExpertQuery): OperatorWork {
  const { tokens, width, active, experts, ranks } = query;
  const inner = query.inner / ranks.tensor;
  const rows = (tokens * active) / ranks.expert;
  const touched = Math.min(experts / ranks.expert, rows);
  const weights = touched * EXPERT_PRODUCTS * width * inner * storedBytes(query.weightType ?? query.type, query.weightGroup);
  return { ops: 2 * EXPERT_PRODUCTS * rows * width * inner, type: query.type, bytes: weights + 2 * tokens * width * ACTIVATION_BYTES };
}

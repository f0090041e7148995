import type { PeakType } from "../../rack/peak-type.ts";

/** One kernel, or one collective, of an iteration: what a table or a formula is asked for. All sizes are per device. */
export type OperatorQuery =
  | ProductQuery
  | PrefillAttentionQuery
  | DecodeAttentionQuery
  | LatentAttentionQuery
  | SparseAttentionQuery
  | ExpertQuery
  | StreamQuery
  | CollectiveQuery
  | PointToPointQuery
  | DispatchQuery;

/** Operators that links do, between devices: a network model prices them. */
export type LinkQuery = CollectiveQuery | PointToPointQuery | DispatchQuery;

export function isLinkQuery(query: OperatorQuery): query is LinkQuery {
  return query.op === "collective" || query.op === "point-to-point" || query.op === "dispatch";
}

/** C[m, n] = A[m, k] B[k, n]. */
export interface ProductQuery {
  readonly op: "product";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly type: PeakType;
  /** One scale a block of 128 instead of one a tensor or row (DeepSeek's FP8). */
  readonly blockScaled?: boolean;
  /** Type the weights are stored in where the product unpacks them to `type`. */
  readonly weightType?: PeakType;
  /** Weights of 4-bit whole numbers that share a scale; absent: 128. */
  readonly weightGroup?: number;
}

/** Causal attention of `tokens` new tokens in each of `batch` sequences, after `context` cached ones. */
export interface PrefillAttentionQuery {
  readonly op: "prefill-attention";
  readonly batch: number;
  readonly tokens: number;
  readonly context: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Tokens a token sees at most, with itself; 0: all. */
  readonly window: number;
  readonly type: PeakType;
  readonly kvType: PeakType;
}

/** Attention of one new token in each of `batch` sequences over `context` tokens with itself. */
export interface DecodeAttentionQuery {
  readonly op: "decode-attention";
  readonly batch: number;
  /** Mean over the sequences; not a whole number in general. */
  readonly context: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly window: number;
  readonly kvType: PeakType;
}

/** A whole block of multi-head latent attention (projections included), as engines run it; `tokens` = 1 is decode. */
export interface LatentAttentionQuery {
  readonly op: "latent-attention";
  readonly phase: "prefill" | "decode";
  readonly batch: number;
  readonly tokens: number;
  readonly context: number;
  /** Heads on this device. */
  readonly heads: number;
  readonly width: number;
  readonly queryRank: number;
  readonly kvRank: number;
  readonly plainDim: number;
  readonly rotatedDim: number;
  readonly valueDim: number;
  /** Of the projections. */
  readonly type: PeakType;
  readonly blockScaled?: boolean;
  /** Of the products with keys and values; absent: bf16. */
  readonly attentionType?: PeakType;
  readonly kvType: PeakType;
}

/** The same where an indexer chooses the tokens that are attended to (DeepSeek's sparse attention): its products, scores and choice are part of the block. */
export interface SparseAttentionQuery extends Omit<LatentAttentionQuery, "op" | "attentionType"> {
  readonly op: "sparse-attention";
  /** Tokens a token attends to at most. */
  readonly chosen: number;
  /** Heads of the indexer, whole on every device; 0: the choice is that of a layer before. */
  readonly indexHeads: number;
  readonly indexDim: number;
}

/** The grouped products of a mixture's experts on one device, of `ranks.expert` devices that hold different experts. */
export interface ExpertQuery {
  readonly op: "experts";
  /** Tokens that are routed, over all devices of the expert group. */
  readonly tokens: number;
  readonly width: number;
  readonly inner: number;
  readonly active: number;
  readonly experts: number;
  readonly ranks: { readonly tensor: number; readonly expert: number };
  readonly type: PeakType;
  readonly blockScaled?: boolean;
  /** Type the weights are stored in where the product unpacks them to `type`. */
  readonly weightType?: PeakType;
  /** Weights of 4-bit whole numbers that share a scale; absent: 128. */
  readonly weightGroup?: number;
  /** How tokens fall on experts: evenly, or as a power law with this exponent. */
  readonly load: "balanced" | { readonly powerLaw: number };
  /** No tokens come to a device but those of its experts; absent: all of the group, among which it looks for its own, as tables of kernels are measured. */
  readonly dispatched?: true;
}

/** Element-wise work, norms, copies: bytes read and written. */
export interface StreamQuery {
  readonly op: "stream";
  readonly bytes: number;
}

export type CollectiveKind = "all-reduce" | "all-gather" | "reduce-scatter" | "all-to-all" | "broadcast";

/** `bytes` as nccl-tests counts them: the whole buffer of a rank (all-gather, all-to-all: sum over ranks). */
export interface CollectiveQuery {
  readonly op: "collective";
  readonly kind: CollectiveKind;
  readonly bytes: number;
  readonly ranks: number;
  /** Ranks in a node or scale-up domain; equals `ranks` where all are in one. */
  readonly ranksPerNode: number;
}

export interface PointToPointQuery {
  readonly op: "point-to-point";
  readonly bytes: number;
  readonly sameNode: boolean;
}

/** One exchange of a mixture's tokens between the ranks that hold different experts: `dispatch` to the experts, or `combine` back. */
export interface DispatchQuery {
  readonly op: "dispatch";
  /** `normal`: one copy a rank and node (prefill); `low-latency`: one copy an expert, no kernel waits (decode). */
  readonly mode: "normal" | "low-latency";
  readonly direction: "dispatch" | "combine";
  /** Of each rank. */
  readonly tokens: number;
  readonly width: number;
  /** Experts a token goes to, and experts in all. */
  readonly active: number;
  readonly experts: number;
  /** Groups of neighbouring experts of which a token goes to `chosen` (DeepSeek's gate); absent: any experts. Low latency sends a copy an expert all the same. */
  readonly gate?: { readonly groups: number; readonly chosen: number };
  readonly ranks: number;
  readonly ranksPerNode: number;
  /** Bits of a value: dispatch 8 where absent, combine 16. */
  readonly bits?: 8 | 16;
  /** Cores (SMs) the kernels of normal mode may use; absent: as many as they make use of. */
  readonly cores?: number;
}

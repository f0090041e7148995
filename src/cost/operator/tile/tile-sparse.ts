import type { SparseAttentionQuery } from "../operator-query.ts";
import { meanKeysSeen } from "../physics/attention-keys.ts";
import { STORED_BYTES } from "../stored-bytes.ts";
import { rowOperatorNs } from "./row-operator.ts";
import { tileAttentionNs } from "./tile-attention.ts";
import type { TileConstants } from "./tile-constants.ts";
import type { TileDevice } from "./tile-device.ts";
import type { TileLatentRates } from "./tile-latent.ts";
import { tileProduct } from "./tile-product.ts";

const ACTIVATION_BYTES = 2;
/** Norms, rotations, writes to the caches and copies between the products, those of the indexer included. */
const ROW_KERNELS = 12;
const SCORE_BYTES = 4;
/** A choice reads its scores to find the least that is chosen, and again to take those above. */
const CHOICE_READS = 2;

/**
 * Time of a whole block of latent attention to chosen tokens: projections, scores of all tokens and their choice where there are more than are chosen,
 * attention in the latent space. Units: ns. Source: DeepSeek-V3.2, arXiv 2512.02556, 2.1.
 */
export function tileSparseNs(device: TileDevice, constants: TileConstants, query: SparseAttentionQuery, rates: TileLatentRates): number {
  const { batch, tokens, context, heads, width, queryRank, kvRank, plainDim, rotatedDim, valueDim, chosen, indexHeads, indexDim } = query;
  const rows = batch * tokens;
  const prefill = query.phase === "prefill";
  const all = prefill ? context + tokens : context;
  const queryDim = plainDim + rotatedDim;
  const bytes = STORED_BYTES[query.type];
  const project = (n: number, k: number, count = 1): number =>
    tileProduct(device, constants, { m: rows, n, k, bytes, flopsPerNs: rates.projection, count }).ns;
  let ns = project(queryRank + kvRank + rotatedDim, width) + project(heads * queryDim, queryRank) + project(width, heads * valueDim);
  ns += project(kvRank, plainDim, heads) + project(valueDim, kvRank, heads);
  ns += ROW_KERNELS * rowOperatorNs(device, constants, { rows, columns: heads * queryDim, bytes: ACTIVATION_BYTES, reads: 1, warm: true });
  const meanKeys = prefill ? meanKeysSeen(tokens, context, chosen) : Math.min(context, chosen);
  const shared = { batch, queries: tokens, flopsPerNs: rates.attention };
  // Keys and values are one latent row: half of what two of that size would be read.
  const latent = { readKeys: Math.min(all, tokens * chosen) / 2, kvHeads: 1, headDim: kvRank + rotatedDim };
  ns += tileAttentionNs(device, constants, { ...shared, ...latent, heads, meanKeys, kvBytes: STORED_BYTES[query.kvType] });
  if (indexHeads === 0) return ns;
  ns += project(indexHeads * indexDim, queryRank) + project(indexDim + indexHeads, width);
  if (all <= chosen) return ns;
  const seen = prefill ? context + (tokens + 1) / 2 : context;
  // Scores are one of the two products of attention.
  const keys = { meanKeys: seen / 2, readKeys: all / 2, heads: indexHeads, kvHeads: 1, headDim: indexDim, kvBytes: 1 };
  ns += tileAttentionNs(device, constants, { ...shared, ...keys });
  return ns + rowOperatorNs(device, constants, { rows, columns: seen, bytes: SCORE_BYTES, reads: CHOICE_READS, warm: true });
}

import type { LatentAttentionQuery } from "../operator-query.ts";
import { STORED_BYTES } from "../stored-bytes.ts";
import { rowOperatorNs } from "./row-operator.ts";
import { tileAttentionNs } from "./tile-attention.ts";
import type { TileConstants } from "./tile-constants.ts";
import type { TileDevice } from "./tile-device.ts";
import { tileProduct } from "./tile-product.ts";

const ACTIVATION_BYTES = 2;
/** Norms, rotations, writes to the cache and copies between the products. */
const ROW_KERNELS = 8;

/** Rates of the block's two kinds of arithmetic. Units: operations a ns. */
export interface TileLatentRates {
  readonly projection: number;
  readonly attention: number;
}

/**
 * Time of a whole block of latent attention: projections, then attention with one head of keys and values shared by all in the latent space (decode), or
 * with keys and values expanded for each head (prefill). Units: ns. Source: DeepSeek-V2 report (arXiv 2405.04434), section 2.1.
 */
export function tileLatentNs(device: TileDevice, constants: TileConstants, query: LatentAttentionQuery, rates: TileLatentRates): number {
  const { batch, tokens, context, heads, width, queryRank, kvRank, plainDim, rotatedDim, valueDim } = query;
  const rows = batch * tokens;
  const queryDim = plainDim + rotatedDim;
  const bytes = STORED_BYTES[query.type];
  const project = (n: number, k: number, count = 1, m = rows): number =>
    tileProduct(device, constants, { m, n, k, bytes, flopsPerNs: rates.projection, count }).ns;
  let ns = project(queryRank + kvRank + rotatedDim, width) + project(heads * queryDim, queryRank) + project(width, heads * valueDim);
  ns += ROW_KERNELS * rowOperatorNs(device, constants, { rows, columns: heads * queryDim, bytes: ACTIVATION_BYTES, reads: 1, warm: true });
  const shared = { batch, queries: tokens, heads, flopsPerNs: rates.attention };
  if (query.phase === "prefill") {
    ns += project(heads * (plainDim + valueDim), kvRank);
    const meanKeys = context + (tokens + 1) / 2;
    const keys = { meanKeys, readKeys: context + tokens, kvHeads: heads, headDim: (queryDim + valueDim) / 2, kvBytes: ACTIVATION_BYTES };
    return ns + tileAttentionNs(device, constants, { ...shared, ...keys });
  }
  ns += project(kvRank, plainDim, heads) + project(valueDim, kvRank, heads);
  // Keys and values are one latent row: half of what two of that size would be read.
  const keys = { meanKeys: context, readKeys: context / 2, kvHeads: 1, headDim: kvRank + rotatedDim, kvBytes: STORED_BYTES[query.kvType] };
  return ns + tileAttentionNs(device, constants, { ...shared, ...keys });
}

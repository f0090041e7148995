import type { PeakType } from "../../../rack/peak-type.ts";
import type { LatentAttentionQuery } from "../operator-query.ts";
import { STORED_BYTES } from "../stored-bytes.ts";
import type { DeviceFigures } from "./device-figures.ts";
import type { LatentAttentionConstants, ProductConstants } from "./physics-constants.ts";
import { productNs } from "./product-time.ts";

/** Rates of the two kinds of arithmetic in the block: projections in their own type, attention in 16 bits. */
export interface LatentRates {
  readonly projectionFlopsPerNs: number;
  readonly attentionFlopsPerNs: number;
}

const HALF_BYTES = 2;
/** Type of attention's arithmetic and of activations. */
export const LATENT_ATTENTION_TYPE: PeakType = "bf16";

/**
 * Time of a whole block of latent attention: projections, absorbed products and attention.
 *
 * Model: decode attends in the latent space (kvRank + rotatedDim values a token, shared by all heads), drafted tokens over the same
 * keys; prefill expands keys and values first.
 * Units: ns. Source: DeepSeek-V2 report (arXiv 2405.04434), section 2.1, for the shapes.
 */
export function latentAttentionNs(
  device: DeviceFigures,
  constants: { readonly latent: LatentAttentionConstants; readonly product: ProductConstants },
  query: LatentAttentionQuery,
  rates: LatentRates,
): number {
  const { latent, product } = constants;
  const { batch, heads, width, queryRank, kvRank, plainDim, rotatedDim, valueDim } = query;
  const rows = batch * query.tokens;
  const bytes = STORED_BYTES[query.type];
  const options = { flopsPerNs: rates.projectionFlopsPerNs, inputBytes: bytes, weightBytes: bytes };
  const project = (n: number, k: number): number => productNs(device, product, { m: rows, n, k }, options) - product.launchNs;
  const queryDim = plainDim + rotatedDim;
  let ns = bytes >= HALF_BYTES ? (latent.halfLaunchNs ?? latent.launchNs) : latent.launchNs;
  ns += project(queryRank + kvRank + rotatedDim, width);
  ns += project(heads * queryDim, queryRank);
  ns += project(width, heads * valueDim);
  const copied = rows * 2 * (heads * (queryDim + valueDim + plainDim) * latent.copies + width * latent.rowCopies);
  ns += copied / device.bytesPerNs;
  if (query.phase === "prefill") {
    ns += project(heads * (plainDim + valueDim), kvRank);
    const pairs = batch * query.tokens * (query.context + (query.tokens + 1) / 2);
    return ns + (2 * heads * pairs * (queryDim + valueDim)) / (rates.attentionFlopsPerNs * latent.prefillShare);
  }
  const absorbed = 2 * rows * heads * kvRank * (plainDim + valueDim);
  const weights = heads * kvRank * (plainDim + valueDim) * 2;
  ns += absorbed / (rates.attentionFlopsPerNs * product.computeShare) + weights / (device.bytesPerNs * product.memoryShare);
  const cached = batch * query.context * (kvRank + rotatedDim);
  const memoryNs = (cached * STORED_BYTES[query.kvType]) / (device.bytesPerNs * latent.decodeMemoryShare);
  const flops = 2 * heads * rows * query.context * (2 * kvRank + rotatedDim);
  const computeNs = flops / (rates.attentionFlopsPerNs * latent.decodeComputeShare);
  const longer = computeNs > memoryNs ? computeNs : memoryNs;
  return ns + longer + latent.serialShare * (computeNs + memoryNs - longer);
}

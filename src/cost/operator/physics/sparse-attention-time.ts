import type { SparseAttentionQuery } from "../operator-query.ts";
import { STORED_BYTES } from "../stored-bytes.ts";
import { meanKeysSeen } from "./attention-keys.ts";
import type { DeviceFigures } from "./device-figures.ts";
import type { LatentRates } from "./latent-attention-time.ts";
import type { ProductConstants, SparseAttentionConstants } from "./physics-constants.ts";
import { productNs } from "./product-time.ts";

/** Rates of the block's three kinds of arithmetic. Units: operations a ns. */
export interface SparseRates extends LatentRates {
  readonly scoreFlopsPerNs: number;
}

interface SparseParts {
  readonly sparse: SparseAttentionConstants;
  readonly product: ProductConstants;
}

/** Cores that choose side by side on devices that do not say how many they have. */
const CORES = 128;

/**
 * Time of a whole block of latent attention to the tokens that its indexer chooses: projections, scores of all tokens before, their choice, and attention in
 * the latent space to those chosen.
 *
 * Model: scores and choice count where there are more tokens than are chosen (in engines that skip them elsewhere); every device of a tensor group has the whole indexer. Units: ns.
 * Source: DeepSeek-V3.2, arXiv 2512.02556, 2.1, for the shapes; kernels as SGLang, vLLM and TensorRT-LLM have them.
 */
export function sparseAttentionNs(device: DeviceFigures, parts: SparseParts, query: SparseAttentionQuery, rates: SparseRates): number {
  const { sparse, product } = parts;
  const { batch, tokens, context, heads, width, queryRank, kvRank, plainDim, rotatedDim, valueDim, chosen, indexHeads, indexDim } = query;
  const rows = batch * tokens;
  const bytes = STORED_BYTES[query.type];
  const options = { flopsPerNs: rates.projectionFlopsPerNs, inputBytes: bytes, weightBytes: bytes };
  const project = (n: number, k: number): number => productNs(device, product, { m: rows, n, k }, options) - product.launchNs;
  const queryDim = plainDim + rotatedDim;
  let ns = sparse.launchNs + project(queryRank + kvRank + rotatedDim, width);
  ns += project(heads * queryDim, queryRank) + project(width, heads * valueDim);
  ns += (rows * 2 * (heads * (queryDim + valueDim + plainDim) * sparse.copies + width * sparse.rowCopies)) / device.bytesPerNs;
  if (indexHeads > 0) ns += sparse.indexNs + project(indexHeads * indexDim, queryRank) + project(indexDim + indexHeads, width);
  const prefill = query.phase === "prefill";
  const all = prefill ? context + tokens : context;
  if (prefill && sparse.denseShort && all <= chosen) {
    ns += project(heads * (plainDim + valueDim), kvRank);
    const pairs = rows * (context + (tokens + 1) / 2);
    return ns + (2 * heads * pairs * (queryDim + valueDim)) / (rates.attentionFlopsPerNs * sparse.denseShare);
  }
  const absorbed = 2 * rows * heads * kvRank * (plainDim + valueDim);
  const weights = heads * kvRank * (plainDim + valueDim) * 2;
  ns += absorbed / (rates.attentionFlopsPerNs * product.computeShare) + weights / (device.bytesPerNs * product.memoryShare);
  ns += chosenNs(device, sparse, query, rates.attentionFlopsPerNs);
  return indexHeads > 0 && (all > chosen || sparse.scoresShort) ? ns + scoresNs(device, sparse, query, rates.scoreFlopsPerNs) : ns;
}

/** Attention of each position to the tokens chosen for it. */
function chosenNs(device: DeviceFigures, sparse: SparseAttentionConstants, query: SparseAttentionQuery, flopsPerNs: number): number {
  const { batch, tokens, context, heads, kvRank, rotatedDim, chosen } = query;
  const prefill = query.phase === "prefill";
  const keys = batch * tokens * (prefill ? meanKeysSeen(tokens, context, chosen) : Math.min(context, chosen));
  const tiled = Math.ceil(heads / sparse.tileHeads) * sparse.tileHeads;
  const share = prefill ? sparse.prefillShare : sparse.decodeComputeShare;
  const computeNs = (2 * tiled * keys * (2 * kvRank + rotatedDim)) / (flopsPerNs * share);
  const stored = STORED_BYTES[query.kvType];
  const element = stored < 2 ? stored + sparse.widenBytes : stored;
  const rate = device.bytesPerNs * (prefill ? sparse.gatherGain : sparse.decodeMemoryShare);
  const memoryNs = (keys * (kvRank + rotatedDim) * element) / rate;
  const longer = computeNs > memoryNs ? computeNs : memoryNs;
  return longer + sparse.serialShare * (computeNs + memoryNs - longer);
}

/** Scores of all tokens for each position, and the choice of the largest. */
function scoresNs(device: DeviceFigures, sparse: SparseAttentionConstants, query: SparseAttentionQuery, flopsPerNs: number): number {
  const { batch, tokens, context, indexHeads, indexDim } = query;
  const prefill = query.phase === "prefill";
  const rows = batch * tokens;
  const seen = prefill ? context + (tokens + 1) / 2 : context;
  const computeNs = (2 * rows * seen * indexHeads * indexDim) / (flopsPerNs * sparse.scoreComputeShare);
  const moved = batch * (prefill ? context + tokens : context) * indexDim + rows * seen * sparse.scoreBytes;
  const memoryNs = moved / (device.bytesPerNs * sparse.scoreMemoryShare);
  const waves = rows / ((device.cores > 0 ? device.cores : CORES) * sparse.chooseRows);
  const launches = (prefill ? context + tokens : context) > query.chosen ? sparse.chooseNs : 0;
  return launches + (computeNs > memoryNs ? computeNs : memoryNs) + seen * sparse.chooseKeyNs * (waves < 1 ? 1 : waves);
}

import type { PrefillAttentionQuery } from "../operator-query.ts";
import { STORED_BYTES } from "../stored-bytes.ts";
import { meanKeysSeen } from "./attention-keys.ts";
import type { DeviceFigures } from "./device-figures.ts";
import type { PrefillAttentionConstants } from "./physics-constants.ts";

/** Head dimension the share of the peak is given for. */
const HEAD_DIM = 128;

/**
 * Time of causal attention of new tokens over themselves and what is cached.
 *
 * Model: tiles of queries over the keys they may see (the window's, where there is one), rounded up to whole tiles, in waves over the cores; against it the
 * bytes of queries, results, keys and values. Units: ns.
 */
export function prefillAttentionNs(
  device: DeviceFigures,
  constants: PrefillAttentionConstants,
  query: PrefillAttentionQuery,
  flopsPerNs: number,
): number {
  const { batch, tokens, context, heads, kvHeads, headDim, window } = query;
  const { tileRows, tileKeys } = constants;
  const rows = Math.ceil(tokens / tileRows);
  // A tile sees the windows of all its rows.
  const keys = meanKeysSeen(tokens, context, window > 0 ? window + tileRows : 0) + tileKeys / 2 + constants.fillKeys;
  const units = batch * heads * rows;
  const share = (constants.computeShare * headDim * (HEAD_DIM + constants.halfHeadDim)) / (HEAD_DIM * (headDim + constants.halfHeadDim));
  const unitFlops = 4 * headDim * tileRows * keys;
  let computeNs: number;
  if (device.cores > 0) {
    const full = units / device.cores;
    const waves = full <= 1 ? 1 : full + constants.waveShare * (Math.ceil(full) - full);
    computeNs = (waves * unitFlops * device.cores) / (flopsPerNs * share);
    const longest = 4 * headDim * tileRows * (seen(tokens + context, window + tileRows, window) + constants.fillKeys);
    const longestNs = (longest * device.cores) / (flopsPerNs * share);
    if (longestNs > computeNs) computeNs = longestNs;
  } else computeNs = (units * unitFlops) / (flopsPerNs * share);
  const kvTokens = tokens + (window > 0 ? Math.min(context, window) : context);
  const bytes = batch * headDim * (tokens * heads * 4 + 2 * kvTokens * kvHeads * STORED_BYTES[query.kvType]);
  const memoryNs = bytes / (device.bytesPerNs * constants.memoryShare);
  const longer = computeNs > memoryNs ? computeNs : memoryNs;
  return constants.launchNs + longer + constants.serialShare * (computeNs + memoryNs - longer);
}

function seen(all: number, limit: number, window: number): number {
  return window > 0 && limit < all ? limit : all;
}

import type { TileConstants } from "./tile-constants.ts";
import type { TileDevice } from "./tile-device.ts";

/** Attention as one fused kernel; `queries` new tokens of each sequence over `keys` in the mean. */
export interface TileAttention {
  readonly batch: number;
  readonly queries: number;
  /** Keys that a query sees in the mean, and that must be read for a sequence. */
  readonly meanKeys: number;
  readonly readKeys: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly kvBytes: number;
  readonly flopsPerNs: number;
}

/** Rows of queries in a tile; a group of heads that share keys fills it where there are few queries. */
const QUERY_ROWS = 128;
const QUERY_ROWS_LEAST = 16;
/** Keys of a tile. */
const KEYS = 64;
const BYTES_OF_ACTIVATION = 2;
/** Least keys of a piece, when the keys are cut. */
const PIECE_KEYS = 256;

/**
 * Time of fused attention.
 *
 * Model: tiles of queries (heads that share keys together) over the keys they see, in waves over the cores, keys cut in pieces where tiles are fewer than
 * cores; a step takes the longer of multiplying (with the scores' exponentials before, or beside it) and of the keys' and values' way from the cache;
 * against it stand the bytes memory must deliver once. Units: ns.
 */
export function tileAttentionNs(device: TileDevice, constants: TileConstants, attention: TileAttention): number {
  const { batch, queries, meanKeys, readKeys, heads, kvHeads, headDim, kvBytes, flopsPerNs } = attention;
  const rows = queries * (heads / kvHeads);
  const tileRows = rows >= QUERY_ROWS ? QUERY_ROWS : Math.max(QUERY_ROWS_LEAST, Math.ceil(rows / QUERY_ROWS_LEAST) * QUERY_ROWS_LEAST);
  const units = batch * kvHeads * Math.ceil(rows / tileRows);
  const coreFlops = (flopsPerNs * constants.computeShare) / device.cores;
  const coreCache = (device.cacheBytesPerNs * constants.cacheShare * constants.sharing) / device.cores;
  const flopNs = (4 * tileRows * headDim) / coreFlops;
  const scoreNs = (tileRows * constants.clocksPerScore) / device.clocksPerNs;
  const keyNs = Math.max(constants.scoresOverlap ? Math.max(flopNs, scoreNs) : flopNs + scoreNs, (2 * headDim * kvBytes) / coreCache);
  let computeNs = Infinity;
  for (let parts = 1; parts === 1 || meanKeys / parts >= PIECE_KEYS; parts *= 2) {
    const full = (units * parts) / device.cores;
    const keys = Math.ceil(meanKeys / parts / KEYS) * KEYS;
    const sumNs = parts > 1 ? constants.memoryLatencyNs : 0;
    const ns = Math.ceil(full) * (keys * keyNs + constants.memoryLatencyNs) + sumNs;
    if (ns < computeNs) computeNs = ns;
    if (full >= 1) break;
  }
  const kv = 2 * batch * kvHeads * readKeys * headDim * kvBytes;
  const activations = 2 * batch * queries * heads * headDim * BYTES_OF_ACTIVATION;
  const memoryNs = (kv + activations) / (device.memoryBytesPerNs * constants.memoryShare) + constants.memoryLatencyNs;
  return constants.attentionLaunchNs + (computeNs > memoryNs ? computeNs : memoryNs);
}

import { exp, pow } from "../../../base/math.ts";
import type { PrefillAttentionQuery } from "../operator-query.ts";
import { prefillWork } from "../operator-work.ts";
import { STORED_BYTES } from "../stored-bytes.ts";
import type { DeviceRates } from "./device-rates.ts";
import { PREFILLS } from "./families/attention.ts";
import { logAt, type SiteCurve } from "./site-curve.ts";

/** Query rows a kernel takes at least, filled or not. */
const TILE_ROWS = 64;
const MEMORY_SHARE = 0.8;
/** Tokens whose time a causal prefill loses to masked tiles and short rows. */
const DIAGONAL_TOKENS = 512;

/**
 * What a context in the cache adds to a prefill that was measured without one.
 *
 * Model: every tile of 64 query rows passes over the whole context, on as many cores as there are tiles of heads and rows (no splitting of the context),
 * at the rate of the longest measured prefill; or the keys and values at the memory's rate, whichever takes longer.
 * Units: ns; `opsPerNs` is that rate.
 * Source: form and constants chosen on LLMServingSim's attention tables of an RTX 4090 and an RTX PRO 6000 (730 rows with a
 * context): medians 3, 5, 13 and 29 %, 94 % inside the interval.
 */
export function cachedContextNs(query: PrefillAttentionQuery, rates: DeviceRates, opsPerNs: number): number {
  const { batch, tokens, heads, kvHeads, headDim, window } = query;
  const seen = window > 0 ? Math.min(query.context, window) : query.context;
  const tiles = batch * heads * Math.ceil(tokens / TILE_ROWS);
  const waves = Math.max(tiles, rates.cores);
  const computeNs = (4 * waves * TILE_ROWS * headDim * seen) / opsPerNs;
  const memoryNs = (2 * batch * kvHeads * headDim * seen * STORED_BYTES[query.kvType]) / (rates.bytesPerNs * MEMORY_SHARE);
  return Math.max(computeNs, memoryNs);
}

/** Operations a ns of the longest prefill of a curve, had it no masked halves of tiles and no short first rows. */
export function longestRate(curve: SiteCurve, query: PrefillAttentionQuery, rates: DeviceRates): number {
  const tokens = Math.round(pow(2, curve.last));
  const longest = { ...query, tokens, context: 0 };
  const ns = PREFILLS.baseNs(longest, rates) * exp(logAt(curve, curve.last));
  return (prefillWork(longest).ops * (1 + DIAGONAL_TOKENS / tokens)) / ns;
}

/** What that adds to the half-width of the logarithm's interval. */
export const CACHED_CONTEXT_HALF_WIDTH = 0.3;

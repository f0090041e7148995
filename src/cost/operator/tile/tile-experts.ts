import type { ExpertQuery } from "../operator-query.ts";
import { expertLoad } from "../physics/experts-touched.ts";
import { STORED_BYTES, storedBytes } from "../stored-bytes.ts";
import { rowOperatorNs } from "./row-operator.ts";
import type { TileConstants } from "./tile-constants.ts";
import type { TileDevice } from "./tile-device.ts";
import { tileProduct } from "./tile-product.ts";

/** Rows that experts' tokens are rounded up to. */
const TILE_ROWS = 16;
const ACTIVATION_BYTES = 2;
/** Passes over the rows of all pairs of token and expert that an engine makes to sort, gather and sum them. Source: experts of H100 and H200, physics. */
const GATHERS = 2;
/** Kernels of a mixture besides its two grouped products: routing, sorting, activation, sum. */
const KERNELS = 8;

/**
 * Time of a mixture's experts as two grouped products over the experts that are touched, an activation between them, and the passes that gather rows.
 *
 * Model: all touched experts with the mean of their rows; a skewed load makes the fullest ones longer, which the mean does not show. Units: ns.
 */
export function tileExpertsNs(device: TileDevice, constants: TileConstants, query: ExpertQuery, flopsPerNs: number): number {
  const { width, tokens, active } = query;
  const inner = query.inner / query.ranks.tensor;
  const load = expertLoad(query, TILE_ROWS);
  const count = Math.max(1, load.touched);
  const m = Math.max(1, load.rows / count);
  const bytes = STORED_BYTES[query.type];
  const weightBytes = storedBytes(query.weightType ?? query.type, query.weightGroup);
  const up = tileProduct(device, constants, { m, n: 2 * inner, k: width, bytes, weightBytes, flopsPerNs, count }).ns;
  const down = tileProduct(device, constants, { m, n: width, k: inner, bytes, weightBytes, flopsPerNs, count }).ns;
  const activation = rowOperatorNs(device, constants, { rows: load.rows, columns: inner, bytes: ACTIVATION_BYTES, reads: 1, warm: true });
  const gathered = { rows: tokens * active, columns: width, bytes: ACTIVATION_BYTES, reads: 1, warm: true };
  const gathers = GATHERS * rowOperatorNs(device, constants, gathered);
  return up + down + activation + gathers + (KERNELS - 2 - GATHERS) * constants.launchNs;
}

import type { ExpertQuery } from "../operator-query.ts";
import { storedBytes } from "../stored-bytes.ts";
import type { DeviceFigures } from "./device-figures.ts";
import { expertLoad } from "./experts-touched.ts";
import type { ExpertConstants } from "./physics-constants.ts";

/** Columns of a tile: shares of an inner width are rounded up to them. */
const COLUMN_STEP = 64;
/** Gate, up and down products of an expert. */
const PRODUCTS = 3;

/** Rows of a tile that kernels choose which unpack integer weights: the first that the mean expert fills to less than this share. */
const UNPACKED_TILES = [8, 16, 32, 48, 64];
const FILLED_BELOW = 0.9;

/** Source: vllm-project/vllm fused_moe/fused_marlin_moe.py, which counts the tokens of all ranks on the experts of its own. */
export function unpackedTileRows({ tokens, active, experts, ranks }: ExpertQuery): number {
  const mean = (tokens * active * ranks.expert) / experts;
  for (const rows of UNPACKED_TILES) if (mean < FILLED_BELOW * rows) return rows;
  return UNPACKED_TILES[UNPACKED_TILES.length - 1]!;
}

/**
 * Time of a mixture's grouped products on one device.
 *
 * Model: weights of the experts that are touched at the memory's rate, against the multiplications of rows padded to whole tiles; activations come on top of
 * the bytes, and so does what sorting the tokens by experts moves: all of the group's, or those that were sent to the device. Units: ns.
 */
export function expertsNs(device: DeviceFigures, constants: ExpertConstants, query: ExpertQuery, flopsPerNs: number): number {
  const { width, ranks } = query;
  const inner = query.inner / ranks.tensor;
  const { unpackRows } = constants;
  const tileRows = unpackRows === undefined ? constants.tileRows : unpackedTileRows(query);
  const load = expertLoad(query, tileRows);
  const weights = load.touched * PRODUCTS * width * inner * storedBytes(query.weightType ?? query.type, query.weightGroup);
  const activations = load.rows * (2 * width + PRODUCTS * inner) * 2 * constants.copies;
  const sorted = query.dispatched === true ? load.rows : query.tokens * query.active;
  const gathered = sorted * width * 2 * constants.gathers;
  const memoryNs = (weights + activations + gathered) / (device.bytesPerNs * constants.memoryShare);
  const columns = Math.ceil(inner / COLUMN_STEP) * COLUMN_STEP;
  const computeNs =
    (2 * PRODUCTS * load.padded * (1 + (unpackRows ?? 0) / tileRows) * width * columns) / (flopsPerNs * constants.computeShare);
  const longer = computeNs > memoryNs ? computeNs : memoryNs;
  return constants.launchNs + longer + constants.serialShare * (computeNs + memoryNs - longer);
}

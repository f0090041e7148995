import { operandTraffic } from "./memory-traffic.ts";
import type { TileConstants } from "./tile-constants.ts";
import type { TileDevice } from "./tile-device.ts";

/** Tiles a library chooses from: rows, columns. */
const TILES: readonly (readonly [number, number])[] = [
  [256, 128],
  [128, 256],
  [128, 128],
  [128, 64],
  [64, 128],
  [64, 64],
  [32, 64],
  [16, 64],
];
const SPLITS = [1, 2, 4, 8];
/** Least depth of a part, when the depth is cut. */
const SPLIT_DEPTH = 256;
/** Least side of the piece of a tile that is multiplied at once out of local memory. Source: CUTLASS, warp tiles of 64 x 64 on Ampere. */
const PIECE = 64;
/** Makers build multipliers that local memory can feed: a square piece whose reads take half as long as its multiplications. */
const PIECE_RESERVE = 2;
/** Bytes of an accumulator and of a result. */
const ACCUMULATOR_BYTES = 4;
const RESULT_BYTES = 2;
/** Registers of a core for accumulators. Source: 64 Ki registers of 4 bytes an SM, NVIDIA A100 and H100 whitepapers; half is left for addresses and operands. */
const ACCUMULATOR_SPACE = 131_072;
/** Least depth of a multiplication: what is shallower is padded. */
const DEPTH_STEP = 16;

/** How a product was tiled, and what bounds it. Times in ns, traffic in bytes. */
export interface TiledProduct {
  readonly ns: number;
  readonly rows: number;
  readonly columns: number;
  readonly parts: number;
  readonly waves: number;
  readonly computeNs: number;
  readonly memoryNs: number;
  readonly memoryBytes: number;
}

export interface TileProductSizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Bytes of an element of the operands. */
  readonly bytes: number;
  readonly flopsPerNs: number;
  /** Bytes of an element of B where that is stored in another type, which is unpacked for free. */
  readonly weightBytes?: number;
  /** Products of this size that run in one kernel; 1 where it is absent. */
  readonly count?: number;
}

/**
 * The best tiling of C[m, n] = A[m, k] B[k, n].
 *
 * Model: a tile's depth step takes the longest of its multiplications, of reading local memory for them, of its operands' way from the cache, and of
 * the memory's latency over the parts on their way; tiles run in waves over the cores, each wave fills and drains once. Against all of it stands what
 * memory must deliver (`operandTraffic`) and take. Depth may be cut in parts, whose sums pass through the cache once more.
 * Units: ns.
 */
export function tileProduct(device: TileDevice, constants: TileConstants, sizes: TileProductSizes): TiledProduct {
  let best = Infinity;
  let bestTile = -1;
  let bestParts = 1;
  for (let tile = 0; tile < TILES.length; tile++) {
    for (const parts of SPLITS) {
      if (parts > 1 && sizes.k / parts < SPLIT_DEPTH) break;
      if (!timeTiling(device, constants, sizes, TILES[tile]!, parts, best) || timed.ns >= best) continue;
      best = timed.ns;
      bestTile = tile;
      bestParts = parts;
    }
  }
  // The smallest tile fits everywhere: a core without room for it takes the depth in one step after the other.
  if (bestTile < 0) timeTiling({ ...device, localBytes: Infinity }, { ...constants, stages: 2 }, sizes, TILES.at(-1)!, 1, Infinity);
  else timeTiling(device, constants, sizes, TILES[bestTile]!, bestParts, Infinity);
  return { ...timed };
}

/** Result of `timeTiling`, reused by the next call: a search looks at thirty tilings for each price. */
const timed = { ns: 0, rows: 0, columns: 0, parts: 0, waves: 0, computeNs: 0, memoryNs: 0, memoryBytes: 0 };

/** Times one tiling into `timed`; false where it does not fit a core, or its arithmetic alone takes `limit` or more. */
function timeTiling(
  device: TileDevice,
  constants: TileConstants,
  sizes: TileProductSizes,
  tile: readonly [number, number],
  parts: number,
  limit: number,
): boolean {
  const { m, n, k, bytes, count = 1 } = sizes;
  const weightBytes = sizes.weightBytes ?? bytes;
  const [rows, columns] = tile;
  const stageBytes = (rows + columns) * constants.stageDepthBytes;
  const byRegisters = Math.floor(ACCUMULATOR_SPACE / (rows * columns * ACCUMULATOR_BYTES));
  if (byRegisters < 1 || device.localBytes < 2 * stageBytes) return false;
  const resident = Math.max(1, Math.min(2, byRegisters, Math.floor(device.localBytes / (2 * stageBytes))));
  const stages = Math.min(constants.stages, Math.floor(device.localBytes / (resident * stageBytes)));
  const tilesM = Math.ceil(m / rows);
  const tilesN = Math.ceil(n / columns);
  const units = tilesM * tilesN * parts * count;
  const atOnce = Math.min(units, device.cores * resident);
  const depth = Math.ceil(k / parts / DEPTH_STEP) * DEPTH_STEP;
  const stepNs = depthStepNs(device, constants, sizes, { rows, columns, stages, resident, atOnce });
  const drainNs = (rows * columns * RESULT_BYTES * atOnce) / (device.memoryBytesPerNs * constants.memoryShare) / resident;
  const fillNs = constants.memoryLatencyNs / resident;
  const waves = Math.ceil(units / device.cores);
  const computeNs = waves * (depth * stepNs + fillNs + (waves > 1 ? drainNs : 0));
  if (constants.launchNs + computeNs >= limit) return false;
  const kept = device.cacheBytes * constants.cacheKept;
  const ofOne = Math.max(1, Math.min(tilesM * tilesN, Math.ceil(atOnce / parts)));
  const traffic = operandTraffic({ tilesM, tilesN, rows, columns, atOnce: ofOne }, m * k * bytes, n * k * weightBytes, kept);
  const memoryBytes = (traffic + m * n * RESULT_BYTES) * count;
  const memoryNs = memoryBytes / (device.memoryBytesPerNs * constants.memoryShare) + constants.memoryLatencyNs;
  const sumNs =
    parts > 1
      ? (2 * parts * m * n * count * ACCUMULATOR_BYTES) / (device.cacheBytesPerNs * constants.cacheShare) + constants.memoryLatencyNs
      : 0;
  timed.ns = constants.launchNs + (computeNs > memoryNs ? computeNs : memoryNs) + sumNs;
  timed.rows = rows;
  timed.columns = columns;
  timed.parts = parts;
  timed.waves = waves;
  timed.computeNs = computeNs;
  timed.memoryNs = memoryNs;
  timed.memoryBytes = memoryBytes;
  return true;
}

interface Residence {
  readonly rows: number;
  readonly columns: number;
  readonly stages: number;
  readonly resident: number;
  readonly atOnce: number;
}

/** Time of a tile for one element of depth while every core has one. */
function depthStepNs(device: TileDevice, constants: TileConstants, sizes: TileProductSizes, residence: Residence): number {
  const { rows, columns, stages, resident } = residence;
  const coreFlops = (sizes.flopsPerNs * constants.computeShare) / device.cores;
  const flopNs = (2 * rows * columns) / coreFlops;
  const fed = (PIECE_RESERVE * sizes.flopsPerNs * sizes.bytes) / (device.cores * device.localBytesPerNs);
  const piece = fed > PIECE ? fed : PIECE;
  // Two groups of threads share a tile at least, unless a single piece is as large.
  const high = Math.min(piece, piece > PIECE ? rows : rows / 2);
  const wide = Math.min(piece, piece > PIECE ? columns : columns / 2);
  const localNs = (rows * columns * (1 / high + 1 / wide) * sizes.bytes) / device.localBytesPerNs;
  const busy = Math.min(device.cores, residence.atOnce);
  const cacheNs = ((rows + columns) * sizes.bytes * busy) / (device.cacheBytesPerNs * constants.cacheShare * constants.sharing);
  const latencyNs = (constants.memoryLatencyNs * sizes.bytes) / (resident * (stages - 1) * constants.stageDepthBytes);
  return Math.max(flopNs, localNs, cacheNs, latencyNs);
}

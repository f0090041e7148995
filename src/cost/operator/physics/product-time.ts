import type { DeviceFigures } from "./device-figures.ts";
import type { ProductConstants } from "./physics-constants.ts";

/** Rows and columns of the tiles a library chooses from; both orientations. */
const TILE_ROWS = [256, 128, 128, 64, 128, 64, 32, 16];
const TILE_COLUMNS = [128, 256, 128, 128, 64, 64, 64, 64];
/** Most parts a depth is cut into, and the least depth of a part. */
const SPLIT_MAX = 16;
const SPLIT_DEPTH = 128;

/** Sizes and bytes an element of a product: rows, columns, depth; input, weight and output bytes. */
export interface ProductSizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/**
 * Time of one product C[m, n] = A[m, k] B[k, n].
 *
 * Model: the cheapest of a list of tiles and cuts of the depth. A tile takes the longer of its multiplications at the share of the core's peak that its
 * intensity allows and of its operands at the rate a core can draw; tiles run in waves over the cores. Against it stands the time of all bytes at the
 * memory's rate; part of the shorter of the two is not hidden.
 * Units: ns; `bytes` are of an element of A, of B.
 */
export function productNs(device: DeviceFigures, constants: ProductConstants, sizes: ProductSizes, options: ProductOptions): number {
  const { m, n, k } = sizes;
  const { flopsPerNs, inputBytes, weightBytes } = options;
  const memoryNs = (m * k * inputBytes + n * k * weightBytes + m * n * 2) / (device.bytesPerNs * constants.memoryShare);
  const computeNs =
    device.cores > 0
      ? bestTileNs(device, constants, sizes, options)
      : (2 * m * n * (k + constants.fillDepth)) / (flopsPerNs * constants.computeShare);
  const longer = computeNs > memoryNs ? computeNs : memoryNs;
  const quantiseNs = (m * k * constants.inputBytes) / device.bytesPerNs;
  return constants.launchNs + quantiseNs + longer + constants.serialShare * (computeNs + memoryNs - longer);
}

export interface ProductOptions {
  readonly flopsPerNs: number;
  readonly inputBytes: number;
  readonly weightBytes: number;
}

function bestTileNs(device: DeviceFigures, constants: ProductConstants, sizes: ProductSizes, options: ProductOptions): number {
  const { m, n, k } = sizes;
  const coreFlops = (options.flopsPerNs * constants.computeShare) / device.cores;
  const coreBytes = (device.bytesPerNs * constants.coreDraw) / device.cores;
  let best = Infinity;
  for (let tile = 0; tile < TILE_ROWS.length; tile++) {
    const rows = TILE_ROWS[tile]!;
    const columns = TILE_COLUMNS[tile]!;
    const units = Math.ceil(m / rows) * Math.ceil(n / columns);
    const intensity = (rows * columns) / (rows + columns);
    const flopNs = (2 * rows * columns * (intensity + constants.halfIntensity)) / (intensity * coreFlops);
    const byteNs = ((rows < m ? rows : m) * options.inputBytes + columns * options.weightBytes) / coreBytes;
    const depthNs = flopNs > byteNs ? flopNs : byteNs;
    for (let parts = 1, extra = 0; parts <= SPLIT_MAX; parts *= 2, extra += constants.splitNs) {
      const depth = k / parts;
      if (parts > 1 && depth < SPLIT_DEPTH) break;
      const full = (units * parts) / device.cores;
      const waves = full <= 1 ? 1 : full + constants.waveShare * (Math.ceil(full) - full);
      const ns = waves * (depth + constants.fillDepth) * depthNs + extra;
      if (ns < best) best = ns;
      if (full >= 1) break;
    }
  }
  return best;
}

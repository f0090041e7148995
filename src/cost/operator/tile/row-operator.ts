import type { TileConstants } from "./tile-constants.ts";
import type { TileDevice } from "./tile-device.ts";

/** Work on rows of a matrix that ends in a matrix of the same size: softmax, norms, activations. */
export interface RowOperator {
  readonly rows: number;
  readonly columns: number;
  readonly bytes: number;
  /** Times a row is read: 1 for activations, 2 for norms (moments, then results), 3 for softmax (largest, sum, then results). */
  readonly reads: number;
  /** Whether the operator before it left its input in the cache, and the next one takes its output from there. */
  readonly warm?: boolean;
}

/** Rows that a core works on side by side. Source: blocks of 128 threads, 2,048 threads a core (NVIDIA A100 whitepaper). */
const ROWS_AT_ONCE = 16;
/** Bytes a core has on their way at most. Source: 2,048 threads with 16 bytes each. */
const ON_THEIR_WAY = 32_768;

/**
 * Time of a row operator.
 *
 * Model: first reads and writes go to memory; further reads find their rows in the cache if all rows under work fit there, otherwise they go to memory
 * again. Cores without a row do not draw; a core draws what it has on its way over the latency. Barriers between the passes are not modelled.
 * Units: ns.
 */
export function rowOperatorNs(device: TileDevice, constants: TileConstants, operator: RowOperator): number {
  const { rows, columns, bytes, reads } = operator;
  const rowBytes = columns * bytes;
  const underWork = Math.min(rows, device.cores * ROWS_AT_ONCE) * rowBytes;
  const fits = underWork <= device.cacheBytes;
  const moved = rows * rowBytes * (fits ? 2 : 1 + reads);
  const found = operator.warm === true ? foundBytes(moved, device.cacheBytes * constants.cacheKept) : 0;
  const memoryBytes = moved - found;
  const cacheBytes = found + (fits ? rows * rowBytes * (reads - 1) : 0);
  const busy = Math.min(device.cores, rows);
  const drawn = (busy * ON_THEIR_WAY) / constants.memoryLatencyNs;
  const memoryRate = Math.min(device.memoryBytesPerNs * constants.memoryShare, drawn);
  const cacheRate = Math.min(device.cacheBytesPerNs * constants.cacheShare, drawn);
  return (
    constants.launchNs + constants.memoryLatencyNs * reads + Math.max(memoryBytes / memoryRate, (memoryBytes + cacheBytes) / cacheRate)
  );
}

/** Bytes that are found in the cache: all where they fit, a share that falls with size where they do not. */
function foundBytes(moved: number, kept: number): number {
  return moved <= kept ? moved : (kept * kept) / moved;
}

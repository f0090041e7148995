import { quantile } from "../../base/statistics.ts";

/** Larger than the caches of most processors, small enough to be quick. Units: bytes. */
const COPY_BYTES = 128 * 2 ** 20;
const ROUNDS = 5;

/**
 * Bandwidth of memory as one core sees it: bytes read and written by a copy, the median of several. Blocks for about a fifth of a second.
 *
 * Units: bytes/s.
 */
export function measureMemoryBandwidth(): number {
  const source = Buffer.alloc(COPY_BYTES, 1);
  const target = Buffer.alloc(COPY_BYTES);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    source.copy(target);
    rates.push((2 * COPY_BYTES) / ((performance.now() - start) / 1e3));
  }
  return Math.round(quantile(rates, 0.5));
}

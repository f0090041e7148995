import type { SiliconRow } from "./silicon-row.ts";

/** How a row was measured: what its benchmark does besides what the columns say. */
export interface SiliconBenchmark {
  /** Lengths are drawn evenly between this share of the stated ones and them. */
  readonly leastShare: number;
}

/**
 * Dumps of InferenceMAX runs draw lengths between 0.8 of the stated ones and them; the other rows have fixed lengths.
 * Source: README of InferenceMAX, "Benchmark Client Configuration": RANDOM_RANGE_RATIO 0.8, 10 requests a client.
 */
export function siliconBenchmark(row: SiliconRow): SiliconBenchmark {
  return { leastShare: /^(2026-|db-dump)/.test(row.source) ? 0.8 : 1 };
}

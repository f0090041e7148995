import type { SiliconRow } from "./silicon-row.ts";

/** How a row was measured: what its benchmark does besides what the columns say. */
export interface SiliconBenchmark {
  /** Lengths are drawn evenly between this share of the stated ones and them. */
  readonly leastShare: number;
}

/** Share for rows whose benchmark has fixed lengths: what clients and front ends do between requests pulls those apart that began together. */
const FIXED_LENGTHS_SHARE = 0.9;

/**
 * Dumps of InferenceMAX runs draw lengths between 0.8 of the stated ones and them; of the other rows nothing is said.
 * Source: README of InferenceMAX, "Benchmark Client Configuration": RANDOM_RANGE_RATIO 0.8, 10 requests a client.
 */
export function siliconBenchmark(row: SiliconRow): SiliconBenchmark {
  return { leastShare: publishedRun(row) ? 0.8 : FIXED_LENGTHS_SHARE };
}

/** Whether a row is from a dump of InferenceMAX runs, whose launch scripts are public. */
export function publishedRun(row: SiliconRow): boolean {
  return /^(2026-|db-dump)/.test(row.source);
}

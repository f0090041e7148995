import { normalQuantile } from "../../../base/statistics.ts";

/** Standard deviation of an average over a life, over that of one moment, where what varies is forgotten in about a life. */
const LIFE_AVERAGE = 0.8;

/**
 * Sequences beside which a request at a percentile decodes, where there are `sequences` on average.
 *
 * Model: arrivals as they like make their number vary as much as its mean; what a request sees is an average over its life.
 */
export function busierSequences(sequences: number, percentile: number): number {
  return sequences + LIFE_AVERAGE * Math.max(0, normalQuantile(percentile)) * Math.sqrt(sequences);
}

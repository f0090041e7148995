import type { SkewTime } from "../../import/llmservingsim/layer-tables.ts";

/** Share of the way from the time at the mean context to the time at the longest, by the ratio of longest to mean context. */
export type SkewShare = (meanContext: number, longestContext: number) => number;

/** Rows whose times at mean and longest context differ by less say nothing of a share. Units: ratio. */
const DIFFERENCE_MIN = 0.05;
/** Fewer decodes than this do not fill a device: one long sequence is the batch. */
const DECODES_MIN = 8;
/** Upper ends of the classes of longest over mean context; the last has none. */
const RATIO_ENDS = [1.25, 2, 4];

/**
 * Reads the share off batches of two lengths: the median over all batch sizes of a class of ratios.
 *
 * Why all sizes: the tables know powers of two, where whole waves of blocks fill the device and the share swings (0.02, 0.13 and 0.07 at 16,
 * 32 and 64 decodes on an RTX 4090); the sizes between do not. Why without prompts: their noise is larger than the share. A share outside
 * 0 to 1 is noise.
 */
export function skewShare(rows: readonly SkewTime[]): SkewShare {
  const classes: number[][] = Array.from({ length: RATIO_ENDS.length + 1 }, () => []);
  for (const row of rows) {
    const span = row.atLongestNs - row.atMeanNs;
    if (row.prefillTokens > 0 || row.decodes < DECODES_MIN || span < DIFFERENCE_MIN * row.atMeanNs) continue;
    classes[classOf(row.longContext / row.meanContext)]!.push((row.mixedNs - row.atMeanNs) / span);
  }
  const shares = Float64Array.from(classes, (values) => Math.min(1, Math.max(0, medianOf(values))));
  return (mean, longest) => shares[classOf(longest / mean)]!;
}

/** 0 where there is nothing: no correction. */
function medianOf(values: number[]): number {
  if (values.length === 0) return 0;
  values.sort((a, b) => a - b);
  return values[values.length >> 1]!;
}

function classOf(ratio: number): number {
  let at = 0;
  while (at < RATIO_ENDS.length && ratio > RATIO_ENDS[at]!) at += 1;
  return at;
}

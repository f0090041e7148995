import type { Basis } from "../../estimate.ts";
import type { ReadingPlace } from "./curve-residuals.ts";

/**
 * Relative half-widths of 90 % intervals by where a reading lies.
 *
 * Source: errors of left-out sizes and numbers of ranks over ai-dynamo/aiconfigurator@095f58a comm tables (`bench/network.bench.ts`); for samples the
 * difference of repeated measurements there.
 */
const SAMPLE = 0.05;
const BETWEEN_SIZES = 0.1;
const OTHER_RANKS = 0.2;
const OTHER_RANKS_OCTAVE = 0.1;
const BEYOND_SIZES = 0.1;
const BEYOND_SIZES_OCTAVE = 0.05;

export function readingSpread(place: ReadingPlace): { readonly spread: number; readonly basis: Basis } {
  switch (place.at) {
    case "sample":
      return { spread: SAMPLE, basis: "measured" };
    case "between-sizes":
      return { spread: BETWEEN_SIZES, basis: "interpolated" };
    case "other-ranks":
      return { spread: OTHER_RANKS + OTHER_RANKS_OCTAVE * Math.max(0, place.octaves - 1), basis: "extrapolated" };
    case "beyond-sizes":
      return { spread: BEYOND_SIZES + BEYOND_SIZES_OCTAVE * place.octaves, basis: "extrapolated" };
  }
}

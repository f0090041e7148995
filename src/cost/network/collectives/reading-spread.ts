import { unreachable } from "../../../base/assert.ts";
import type { Basis } from "../../estimate.ts";
import type { ReadingPlace } from "./curve-residuals.ts";

/**
 * Relative half-widths of 90 % intervals by where a reading lies: wide where samples around it leave the curve in different directions.
 *
 * Source: errors of left-out sizes and numbers of ranks over ai-dynamo/aiconfigurator@095f58a comm tables (`npm run bench -- network`); for samples
 * the difference of repeated measurements there.
 */
const SAMPLE = 0.05;
const BETWEEN_SIZES = { least: 0.02, apart: 0.5, rangeSquared: 1 } as const;
const OTHER_RANKS = { inside: 0.13, beyond: 0.19, apart: 0.5, octave: 0.1 } as const;
const BEYOND_SIZES = { least: 0.05, octave: 0.05 } as const;

export function readingSpread(place: ReadingPlace): { readonly spread: number; readonly basis: Basis } {
  switch (place.at) {
    case "sample":
      return { spread: SAMPLE, basis: "measured" };
    case "between-sizes": {
      const { least, apart, rangeSquared } = BETWEEN_SIZES;
      return { spread: least + apart * place.apart + rangeSquared * place.range * place.range, basis: "interpolated" };
    }
    case "other-ranks": {
      const { inside, beyond, apart, octave } = OTHER_RANKS;
      const farther = octave * Math.max(0, place.octaves - 1);
      return {
        spread: (place.inside ? inside : beyond) + apart * place.apart + farther,
        basis: place.inside ? "interpolated" : "extrapolated",
      };
    }
    case "beyond-sizes":
      return { spread: BEYOND_SIZES.least + BEYOND_SIZES.octave * place.octaves, basis: "extrapolated" };
    default:
      return unreachable(place);
  }
}

import { mean, quantile } from "../../base/statistics.ts";
import type { AccuracyRow } from "./accuracy-row.ts";

/** A prediction beside what was measured, in the same unit. */
export interface PredictedMeasured {
  readonly predicted: number;
  readonly measured: number;
  /** Relative half-width of the prediction's 90 % interval (value / (1 + s) to value x (1 + s)); absent where it has none. */
  readonly spread?: number;
}

/** The figures of an accuracy row; all NaN for no points. */
export type ErrorFigures = Pick<
  AccuracyRow,
  "points" | "meanError" | "medianError" | "p90" | "signedMean" | "coverage" | "medianHalfWidth"
>;

/** Summary of errors |predicted / measured - 1|, with coverage where every point has an interval. */
export function errorFigures(pairs: readonly PredictedMeasured[]): ErrorFigures {
  const signed = pairs.map(({ predicted, measured }) => predicted / measured - 1);
  const errors = signed.map((error) => Math.abs(error));
  const figures = {
    points: pairs.length,
    meanError: mean(errors),
    medianError: quantile(errors, 0.5),
    p90: quantile(errors, 0.9),
    signedMean: mean(signed),
  };
  const spreads = pairs.flatMap(({ spread }) => (spread === undefined ? [] : [spread]));
  if (pairs.length === 0 || spreads.length < pairs.length) return figures;
  const inside = pairs.filter(({ predicted, measured, spread = 0 }) => {
    const ratio = measured / predicted;
    return ratio <= 1 + spread && ratio >= 1 / (1 + spread);
  });
  return { ...figures, coverage: inside.length / pairs.length, medianHalfWidth: quantile(spreads, 0.5) };
}

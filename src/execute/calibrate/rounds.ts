import { quantile } from "../../base/statistics.ts";

/** One thing to be timed again and again; `measure` gives the ns of one run. */
export interface TimedPoint<T> {
  readonly point: T;
  readonly measure: () => Promise<number>;
}

export interface RoundOptions {
  readonly signal: AbortSignal;
  /** No further round starts, and no further point enters the first one, after this much time. Units: ms. */
  readonly budgetMs: number;
  readonly roundsMax: number;
  /** Called with the share done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

export interface RoundResult<T> {
  readonly medians: readonly { readonly point: T; readonly ns: number }[];
  /** Relative 90 % scatter of single runs about their point's median. */
  readonly noise: number;
  /** Median relative difference between the first and the last round: what the machine drifted meanwhile. */
  readonly drift: number;
}

/** Ratio of the 90 % half-width to the median absolute deviation of a normal distribution: a robust width, which a few disturbed runs do not move. */
const MEDIAN_TO_90 = 2.44;
/** Fewer runs than this of a point say nothing about scatter. */
const ROUNDS_MIN = 2;

/**
 * Times points in rounds, each point once a round, so that a slow moment of the machine touches all points a little instead of one wholly. Where
 * the budget ends within the first round, the remaining points are left out; every measured point gets at least two runs.
 *
 * Errors: the signal's reason when it is aborted.
 */
export async function timeInRounds<T>(points: readonly TimedPoint<T>[], options: RoundOptions): Promise<RoundResult<T>> {
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  const runs: number[][] = [];
  for (const point of points) {
    options.signal.throwIfAborted();
    if (runs.length > 0 && elapsed() > options.budgetMs / ROUNDS_MIN) break;
    runs.push([await point.measure()]);
    options.onProgress?.(Math.min(0.99, elapsed() / options.budgetMs));
  }
  const measured = points.slice(0, runs.length);
  for (let round = 1; round < options.roundsMax && (round < ROUNDS_MIN || elapsed() < options.budgetMs); round++) {
    for (const [index, point] of measured.entries()) {
      options.signal.throwIfAborted();
      runs[index]?.push(await point.measure());
      options.onProgress?.(Math.min(0.99, elapsed() / options.budgetMs));
    }
  }
  return { medians: measured.map(({ point }, index) => ({ point, ns: quantile(runs[index] ?? [], 0.5) })), ...scatter(runs) };
}

function scatter(runs: readonly (readonly number[])[]): { readonly noise: number; readonly drift: number } {
  const deviations = runs.flatMap((list) => {
    const centre = quantile(list, 0.5);
    // A median of few runs lies close to each of them; the factor makes up for it.
    const few = Math.sqrt(list.length / Math.max(1, list.length - 1));
    return list.map((ns) => Math.abs(ns / centre - 1) * few);
  });
  const drifts = runs.map((list) => (list.at(-1) ?? 1) / (list[0] ?? 1) - 1);
  return { noise: MEDIAN_TO_90 * quantile(deviations, 0.5), drift: Math.abs(quantile(drifts, 0.5)) };
}

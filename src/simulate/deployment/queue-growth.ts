import { mean } from "../../base/statistics.ts";
import type { RequestColumns, ServingOutcome } from "../serving/serving-input.ts";

/** Whether a run was stationary: percentiles of one that was not depend on how long it lasted. */
export interface QueueGrowth {
  readonly growing: boolean;
  /** Mean time from arrival to admission of each fifth of the requests, in order of arrival. Units: ns. */
  readonly waitsNs: readonly number[];
}

const PARTS = 5;
/** Least number of requests from which a trend is told. */
const REQUESTS_LEAST = 50;
/** The last fifth waits so many times as long as the second one, and longer than this share of the mean time of a whole request. */
const TIMES = 2;
const SHARE = 0.1;

/**
 * Whether waiting times grow to the end of the arrivals: each fifth of the requests waits longer than the one before, the last at least twice as long as the
 * second (the first finds empty devices), and long enough to matter. Closed loops bound their queues, so they are never said to grow.
 */
export function queueGrowth({ count, after }: RequestColumns, outcome: ServingOutcome): QueueGrowth {
  const waitsNs = Array.from({ length: PARTS }, (_, part) => {
    const waits: number[] = [];
    for (let i = Math.floor((part * count) / PARTS); i < Math.floor(((part + 1) * count) / PARTS); i++) {
      if (outcome.scheduledNs[i]! >= 0) waits.push(outcome.scheduledNs[i]! - outcome.queuedNs[i]!);
    }
    return mean(waits);
  });
  if (count < REQUESTS_LEAST || after !== undefined) return { growing: false, waitsNs };
  const [, second = NaN, third = NaN, fourth = NaN, last = NaN] = waitsNs;
  const lengths: number[] = [];
  for (let i = 0; i < count; i++) if (outcome.lastTokenNs[i]! >= 0) lengths.push(outcome.lastTokenNs[i]! - outcome.queuedNs[i]!);
  const growing = second <= third && third <= fourth && fourth < last && last > TIMES * second && last > SHARE * mean(lengths);
  return { growing, waitsNs };
}

import { exp } from "../../../base/math.ts";
import { SERVED_INTERVALS } from "./served-intervals.ts";
import { type ServedProperties, type ServedProperty, servedKey } from "./served-properties.ts";

export type ServedTime = "tpot" | "ttft";

/** 90 % interval of ln(measured / predicted). */
export interface LogInterval {
  readonly low: number;
  readonly high: number;
}

/** Intervals of a time by the values of the properties that the scheme tells served models apart by. */
export interface ServedIntervals {
  readonly properties: readonly ServedProperty[];
  readonly intervals: Readonly<Record<string, LogInterval>>;
}

/** Where a time of a served model lies: from the residuals of models, devices and engines that were held out, by the scheme of docs/accuracy.md. */
export function servedInterval(
  time: ServedTime,
  of: ServedProperties,
  tables: Readonly<Record<ServedTime, ServedIntervals>> = SERVED_INTERVALS,
): LogInterval {
  const { properties, intervals } = tables[time];
  return intervals[servedKey(of, properties)]!;
}

/** Relative half-width that holds an interval on both sides: the wider one counts. */
export function widerSide({ low, high }: LogInterval): number {
  return exp(Math.max(high, -low)) - 1;
}

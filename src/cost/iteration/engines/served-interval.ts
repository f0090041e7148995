import { exp } from "../../../base/math.ts";
import { SERVED_INTERVALS } from "./served-intervals.ts";
import { type LogInterval, type ServedIntervals, type ServedProperties, type ServedTime, servedKey } from "./served-properties.ts";

/** Where a time of a served model lies: from the residuals of models, devices and engines that were held out, by the scheme of docs/accuracy.md. */
export function servedInterval(
  time: ServedTime,
  of: ServedProperties,
  tables: Readonly<Record<ServedTime, ServedIntervals>> = SERVED_INTERVALS,
): LogInterval {
  const { properties, intervals } = tables[time];
  return intervals[servedKey(of, properties)]!;
}

/** The same of an iteration's time, that of TPOT: where it is priced prompts are not known, so it holds the intervals of short and long ones. */
export function iterationInterval(
  of: Omit<ServedProperties, "longPrompts">,
  tables: Readonly<Record<ServedTime, ServedIntervals>> = SERVED_INTERVALS,
): LogInterval {
  const [short, long] = [false, true].map((longPrompts) => servedInterval("tpot", { ...of, longPrompts }, tables)) as [
    LogInterval,
    LogInterval,
  ];
  return { low: Math.min(short.low, long.low), high: Math.max(short.high, long.high) };
}

/** Relative half-width that holds an interval on both sides: the wider one counts. */
export function widerSide({ low, high }: LogInterval): number {
  return exp(Math.max(high, -low)) - 1;
}

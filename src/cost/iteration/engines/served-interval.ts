import { exp } from "../../../base/math.ts";
import { SERVED_INTERVALS } from "./served-intervals.ts";
import {
  type LogInterval,
  PROMPT_SHARES,
  type PromptShare,
  type ServedIntervals,
  type ServedProperties,
  type ServedTime,
  servedKey,
} from "./served-properties.ts";

/** What is known of a served model where its requests are not. */
export type KnownProperties = Omit<ServedProperties, "longPrompts" | "promptShare"> & Partial<Pick<ServedProperties, "longPrompts">>;

/**
 * Where a time of a served model lies: from the residuals of models, devices and engines that were held out, by the scheme of docs/accuracy.md. What is not
 * known of its prompts may be anything, so the interval holds those of all values.
 */
export function servedInterval(
  time: ServedTime,
  of: KnownProperties,
  tables: Readonly<Record<ServedTime, ServedIntervals>> = SERVED_INTERVALS,
): LogInterval {
  const { properties, intervals } = tables[time];
  let [low, high] = [0, 0];
  for (const longPrompts of of.longPrompts === undefined ? [false, true] : [of.longPrompts]) {
    for (const promptShare of Object.keys(PROMPT_SHARES) as PromptShare[]) {
      const one = intervals[servedKey({ ...of, longPrompts, promptShare }, properties)]!;
      low = Math.min(low, one.low);
      high = Math.max(high, one.high);
    }
  }
  return { low, high };
}

/** The same of an iteration's time, that of TPOT: where it is priced prompts are not known. */
export function iterationInterval(
  of: Omit<KnownProperties, "longPrompts">,
  tables: Readonly<Record<ServedTime, ServedIntervals>> = SERVED_INTERVALS,
): LogInterval {
  return servedInterval("tpot", of, tables);
}

/** Relative half-width that holds an interval on both sides: the wider one counts. */
export function widerSide({ low, high }: LogInterval): number {
  return exp(Math.max(high, -low)) - 1;
}

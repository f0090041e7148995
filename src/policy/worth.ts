import type { Nanoseconds, Ratio } from "../base/units.ts";

/**
 * Of what a run would take elsewhere, the most it may take from other devices here: what is left is the gain, and forecasts are not nearer than that.
 *
 * Why: it leaves a gain of 5 % on two equal devices. With a weak device beside a strong one that it slowed down to 0.7 of its speed, lines of text took 1.2 to 1.4 times as long as without it.
 */
const BURDEN_MAX: Ratio = 0.9;

/** Whether a device is to take a run that slows others down, instead of another device. */
export function isWorth(burdenNs: Nanoseconds, elsewhereNs: Nanoseconds): boolean {
  return burdenNs < BURDEN_MAX * elsewhereNs;
}

import type { ServedIntervals, ServedTime } from "./served-interval.ts";

/** Written by scripts/fit-intervals.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Of ln(measured / predicted) on groups that nothing was fitted on, by the values of the properties in the order they stand in. */
export const SERVED_INTERVALS: Readonly<Record<ServedTime, ServedIntervals>> = {
  tpot: {
    properties: ["named", "blackwell"],
    intervals: {
      "true true": { low: -0.201, high: 0.483 },
      "true false": { low: -0.206, high: 0.374 },
      "false true": { low: -0.209, high: 1.129 },
      "false false": { low: -0.191, high: 0.446 },
    },
  },
  ttft: {
    properties: ["mixture", "longPrompts"],
    intervals: {
      "true true": { low: -0.313, high: 1.848 },
      "true false": { low: -0.405, high: 0.848 },
      "false true": { low: -0.36, high: 1.256 },
      "false false": { low: -0.469, high: 1.055 },
    },
  },
};

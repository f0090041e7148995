import type { ServedIntervals, ServedTime } from "./served-interval.ts";

/** Written by scripts/fit-intervals.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Of ln(measured / predicted) on groups that nothing was fitted on, by the values of the properties in the order they stand in. */
export const SERVED_INTERVALS: Readonly<Record<ServedTime, ServedIntervals>> = {
  tpot: {
    properties: ["engine"],
    intervals: {
      trtllm: { low: -0.221, high: 0.328 },
      sglang: { low: -0.205, high: 0.463 },
      vllm: { low: -0.07, high: 0.164 },
      heddle: { low: -0.207, high: 0.363 },
    },
  },
  ttft: {
    properties: ["engine", "mixture", "longPrompts"],
    intervals: {
      "trtllm true true": { low: -0.281, high: 1.318 },
      "trtllm true false": { low: -0.405, high: 0.605 },
      "trtllm false true": { low: -0.32, high: 0.758 },
      "trtllm false false": { low: -0.501, high: 0.488 },
      "sglang true true": { low: -0.369, high: 1.726 },
      "sglang true false": { low: -0.53, high: 0.793 },
      "sglang false true": { low: -0.419, high: 0.994 },
      "sglang false false": { low: -0.657, high: 0.64 },
      "vllm true true": { low: -0.149, high: 0.697 },
      "vllm true false": { low: -0.214, high: 0.32 },
      "vllm false true": { low: -0.169, high: 0.401 },
      "vllm false false": { low: -0.265, high: 0.258 },
      "heddle true true": { low: -0.276, high: 1.292 },
      "heddle true false": { low: -0.397, high: 0.593 },
      "heddle false true": { low: -0.314, high: 0.743 },
      "heddle false false": { low: -0.491, high: 0.479 },
    },
  },
};

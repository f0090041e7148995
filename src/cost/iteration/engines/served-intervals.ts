import type { ServedIntervals, ServedTime } from "./served-interval.ts";

/** Written by scripts/fit-intervals.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Of ln(measured / predicted) on groups that nothing was fitted on, by the values of the properties in the order they stand in. */
export const SERVED_INTERVALS: Readonly<Record<ServedTime, ServedIntervals>> = {
  tpot: {
    properties: ["engine", "named"],
    intervals: {
      "trtllm true": { low: -0.21, high: 0.296 },
      "trtllm false": { low: -0.223, high: 0.379 },
      "sglang true": { low: -0.218, high: 0.394 },
      "sglang false": { low: -0.227, high: 0.445 },
      "vllm true": { low: -0.117, high: 0.185 },
      "vllm false": { low: -0.135, high: 0.226 },
      "heddle true": { low: -0.202, high: 0.309 },
      "heddle false": { low: -0.217, high: 0.375 },
    },
  },
  ttft: {
    properties: ["engine", "mixture", "longPrompts"],
    intervals: {
      "trtllm true true": { low: -0.292, high: 1.515 },
      "trtllm true false": { low: -0.405, high: 0.685 },
      "trtllm false true": { low: -0.32, high: 0.754 },
      "trtllm false false": { low: -0.482, high: 0.505 },
      "sglang true true": { low: -0.333, high: 1.726 },
      "sglang true false": { low: -0.461, high: 0.78 },
      "sglang false true": { low: -0.365, high: 0.86 },
      "sglang false false": { low: -0.549, high: 0.576 },
      "vllm true true": { low: -0.211, high: 1.092 },
      "vllm true false": { low: -0.292, high: 0.493 },
      "vllm false true": { low: -0.231, high: 0.544 },
      "vllm false false": { low: -0.347, high: 0.364 },
      "heddle true true": { low: -0.285, high: 1.476 },
      "heddle true false": { low: -0.394, high: 0.667 },
      "heddle false true": { low: -0.312, high: 0.735 },
      "heddle false false": { low: -0.47, high: 0.492 },
    },
  },
};

import type { ServedIntervals, ServedTime } from "./served-properties.ts";

/** Written by scripts/fit-intervals.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Of ln(measured / predicted) on groups that nothing was fitted on, by the values of the properties in the order they stand in. */
export const SERVED_INTERVALS: Readonly<Record<ServedTime, ServedIntervals>> = {
  tpot: {
    properties: ["engine", "named", "blackwell"],
    intervals: {
      "trtllm true true": { low: -0.176, high: 0.314 },
      "trtllm true false": { low: -0.203, high: 0.291 },
      "trtllm false true": { low: -0.244, high: 1.697 },
      "trtllm false false": { low: -0.183, high: 0.389 },
      "sglang true true": { low: -0.225, high: 0.403 },
      "sglang true false": { low: -0.26, high: 0.374 },
      "sglang false true": { low: -0.313, high: 2.178 },
      "sglang false false": { low: -0.235, high: 0.499 },
      "vllm true true": { low: -0.171, high: 0.305 },
      "vllm true false": { low: -0.197, high: 0.283 },
      "vllm false true": { low: -0.237, high: 1.649 },
      "vllm false false": { low: -0.178, high: 0.378 },
      "heddle true true": { low: -0.186, high: 0.333 },
      "heddle true false": { low: -0.215, high: 0.309 },
      "heddle false true": { low: -0.258, high: 1.8 },
      "heddle false false": { low: -0.194, high: 0.412 },
    },
  },
  ttft: {
    properties: ["engine", "mixture", "longPrompts"],
    intervals: {
      "trtllm true true": { low: -0.293, high: 1.517 },
      "trtllm true false": { low: -0.407, high: 0.685 },
      "trtllm false true": { low: -0.318, high: 0.765 },
      "trtllm false false": { low: -0.482, high: 0.505 },
      "sglang true true": { low: -0.333, high: 1.726 },
      "sglang true false": { low: -0.463, high: 0.779 },
      "sglang false true": { low: -0.362, high: 0.871 },
      "sglang false false": { low: -0.548, high: 0.575 },
      "vllm true true": { low: -0.194, high: 1.007 },
      "vllm true false": { low: -0.27, high: 0.454 },
      "vllm false true": { low: -0.211, high: 0.508 },
      "vllm false false": { low: -0.32, high: 0.335 },
      "heddle true true": { low: -0.284, high: 1.474 },
      "heddle true false": { low: -0.395, high: 0.665 },
      "heddle false true": { low: -0.309, high: 0.744 },
      "heddle false false": { low: -0.468, high: 0.491 },
    },
  },
};

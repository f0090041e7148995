import type { ServedIntervals, ServedTime } from "./served-properties.ts";

/** Written by scripts/fit-intervals.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Of ln(measured / predicted) on groups that nothing was fitted on, by the values of the properties in the order they stand in. */
export const SERVED_INTERVALS: Readonly<Record<ServedTime, ServedIntervals>> = {
  tpot: {
    properties: ["engine", "named", "blackwell"],
    intervals: {
      "trtllm true true": { low: -0.177, high: 0.316 },
      "trtllm true false": { low: -0.201, high: 0.293 },
      "trtllm false true": { low: -0.242, high: 1.697 },
      "trtllm false false": { low: -0.182, high: 0.389 },
      "sglang true true": { low: -0.225, high: 0.403 },
      "sglang true false": { low: -0.256, high: 0.374 },
      "sglang false true": { low: -0.308, high: 2.163 },
      "sglang false false": { low: -0.232, high: 0.496 },
      "vllm true true": { low: -0.171, high: 0.305 },
      "vllm true false": { low: -0.194, high: 0.283 },
      "vllm false true": { low: -0.233, high: 1.638 },
      "vllm false false": { low: -0.176, high: 0.375 },
      "heddle true true": { low: -0.186, high: 0.333 },
      "heddle true false": { low: -0.212, high: 0.309 },
      "heddle false true": { low: -0.255, high: 1.79 },
      "heddle false false": { low: -0.192, high: 0.41 },
    },
  },
  ttft: {
    properties: ["engine", "mixture", "longPrompts"],
    intervals: {
      "trtllm true true": { low: -0.292, high: 1.516 },
      "trtllm true false": { low: -0.407, high: 0.685 },
      "trtllm false true": { low: -0.318, high: 0.766 },
      "trtllm false false": { low: -0.482, high: 0.505 },
      "sglang true true": { low: -0.333, high: 1.726 },
      "sglang true false": { low: -0.463, high: 0.78 },
      "sglang false true": { low: -0.362, high: 0.872 },
      "sglang false false": { low: -0.549, high: 0.575 },
      "vllm true true": { low: -0.194, high: 1.008 },
      "vllm true false": { low: -0.27, high: 0.455 },
      "vllm false true": { low: -0.211, high: 0.509 },
      "vllm false false": { low: -0.321, high: 0.336 },
      "heddle true true": { low: -0.285, high: 1.48 },
      "heddle true false": { low: -0.397, high: 0.668 },
      "heddle false true": { low: -0.31, high: 0.747 },
      "heddle false false": { low: -0.471, high: 0.493 },
    },
  },
};

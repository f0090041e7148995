import type { StepCost } from "../../src/cost/step-cost.ts";

export interface LinearCost {
  readonly stages: number;
  readonly launchNs: number;
  readonly prefillTokenNs: number;
  readonly decodeRowNs: number;
  readonly contextTokenNs: number;
  readonly handOverNs: number;
  readonly spread?: StepCost["spread"];
}

/** About a small model on one core: 8 ms a decode step, 1 ms a prompt token. */
export const SMALL_MODEL: LinearCost = {
  stages: 1,
  launchNs: 6_000_000,
  prefillTokenNs: 1_000_000,
  decodeRowNs: 1_500_000,
  contextTokenNs: 2_000,
  handOverNs: 50_000,
};

/** A cost model of straight lines, for tests: each stage does its share of the work. */
export function linearCost(linear: LinearCost): StepCost {
  return {
    stageNs: (_stage, shape) => {
      let ns = linear.launchNs;
      for (const { count, context } of shape.prefill) ns += count * linear.prefillTokenNs + count * context * linear.contextTokenNs * 0.01;
      for (const context of shape.decodeContexts) ns += linear.decodeRowNs + context * linear.contextTokenNs;
      return Math.round(ns / linear.stages);
    },
    handOverNs: () => linear.handOverNs,
    spread: linear.spread ?? { systematic: 0, noise: 0 },
  };
}

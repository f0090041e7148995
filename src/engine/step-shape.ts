import type { StepShape } from "../cost/step-cost.ts";
import { BLOCK_TOKENS } from "../state/block.ts";
import type { StepTask } from "./replica-engine-types.ts";

/** What the cost of a step depends on. */
export function shapeOf(step: StepTask): StepShape {
  const prefill: { count: number; context: number }[] = [];
  const decodeContexts: number[] = [];
  let sampledRows = 0;
  for (const row of step.rows) {
    if (row.phase === "decode") decodeContexts.push(row.start);
    else prefill.push({ count: row.count, context: row.start });
    if (row.sample) sampledRows++;
  }
  const gatheredPages = step.opens.reduce((sum, { gather }) => sum + gather.length, 0);
  const partSeals = step.seals.filter(({ tokens }) => tokens < BLOCK_TOKENS).length;
  return { prefill, decodeContexts, sampledRows, gatheredPages, partSeals };
}

/** Tokens a step computes. */
export function rowsOf(step: StepTask): number {
  let tokens = 0;
  for (const row of step.rows) tokens += row.count;
  return tokens;
}

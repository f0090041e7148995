import type { Nanoseconds } from "../../base/units.ts";
import type { StepCost } from "../../cost/step-cost.ts";

/** An iteration being put together. */
export interface StepDraft {
  readonly stages: number;
  readonly decodeContexts: readonly number[];
  readonly prefill: { readonly count: number; readonly context: number }[];
}

/** Time of one iteration through all stages, hand-overs included, without queueing. Units: ns. */
export function stepNs(cost: StepCost, draft: StepDraft): Nanoseconds {
  const { stages, decodeContexts, prefill } = draft;
  const shape = { prefill, decodeContexts, sampledRows: decodeContexts.length + (prefill.length > 0 ? 1 : 0) };
  let rows = decodeContexts.length;
  for (const chunk of prefill) rows += chunk.count;
  let total = 0;
  for (let stage = 0; stage < stages; stage++) {
    total += cost.stageNs(stage, shape);
    if (stage + 1 < stages) total += cost.handOverNs(stage, rows);
  }
  return total;
}

/** Dividing streams has to save this share of an iteration: hand-overs and smaller products cost what no model shows. */
const DIVIDING_GAIN = 0.05;

/**
 * How many streams one task should take. Dividing them over as many tasks as stages pays where a stage's time grows with its rows: then all
 * stages work at once. Where a step's time is that of reading the weights, dividing only reads them more often. Stages are taken to be on devices of
 * their own.
 */
export function streamsPerTask(cost: StepCost, stages: number, contexts: readonly number[]): number {
  if (stages === 1 || contexts.length < 2) return contexts.length;
  const share = Math.ceil(contexts.length / stages);
  const whole = stepNs(cost, { stages, decodeContexts: contexts, prefill: [] });
  const part = contexts.slice(0, share);
  const shape = { prefill: [], decodeContexts: part, sampledRows: part.length };
  let slowest = 0;
  for (let stage = 0; stage < stages; stage++) slowest = Math.max(slowest, cost.stageNs(stage, shape));
  const divided = Math.max(stages * slowest, stepNs(cost, { stages, decodeContexts: part, prefill: [] }));
  return divided < whole * (1 - DIVIDING_GAIN) ? share : contexts.length;
}

import { type BatchShape, emptyBatch, type LoraShape } from "../iteration-cost.ts";
import type { ExplainedCost } from "../iteration-cost-of.ts";
import type { LoraTime } from "./lora-time.ts";

/** Relative half-width (90 %) of the time adapters add: between what published figures of the same thing differ by; nothing is fitted to them. */
const LORA_SPREAD = 0.6;
/** A usual iteration: what the width of the whole is taken at. */
const TRIAL_SEQUENCES = 64;
const TRIAL_CONTEXT = 1024;

export interface LoraCostInput {
  readonly cost: ExplainedCost;
  readonly timeOf: LoraTime;
  readonly pipeline: number;
  readonly slots: number;
  readonly rank: number;
  /** What a batch of so many sequences computes with adapters, where the shape does not say (closed forms); absent: nothing. */
  readonly expected?: (shape: Readonly<BatchShape>) => Readonly<LoraShape>;
}

const NONE: LoraShape = { adapters: 0, ranks: 0, tokens: 0, rankTokens: 0 };

/** Iterations with what adapters add to them; without adapters in the batch they cost what they did: engines capture graphs without them, too. */
export function withAdapters(input: LoraCostInput): ExplainedCost {
  const { cost, timeOf, pipeline, slots, rank, expected } = input;
  const addedNs = (shape: Readonly<BatchShape>): number => {
    const lora = shape.lora ?? expected?.(shape) ?? NONE;
    return lora.adapters === 0 ? 0 : timeOf(lora, Math.max(1, Math.min(pipeline, shape.decodes + shape.prefills)));
  };
  const trial: BatchShape = {
    ...emptyBatch(),
    decodes: TRIAL_SEQUENCES,
    decodeContext: TRIAL_SEQUENCES * TRIAL_CONTEXT,
    decodeContextMax: TRIAL_CONTEXT,
  };
  const adapters = Math.min(slots, TRIAL_SEQUENCES);
  const plainNs = cost.iterationNs(trial);
  const added = timeOf({ adapters, ranks: adapters * rank, tokens: TRIAL_SEQUENCES, rankTokens: TRIAL_SEQUENCES * rank }, 1);
  return {
    ...cost,
    iterationNs: (shape) => cost.iterationNs(shape) + Math.round(addedNs(shape)),
    spread: (plainNs * cost.spread + added * LORA_SPREAD) / (plainNs + added),
    source: `${cost.source}; adapters as streams`,
    parts: (shape) => {
      const ns = addedNs(shape);
      const parts = cost.parts(shape);
      return ns === 0 ? parts : [...parts, { name: "adapters" as const, ns }].sort((a, b) => b.ns - a.ns);
    },
  };
}

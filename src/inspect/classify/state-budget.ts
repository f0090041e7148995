import { type Expression, symbolsOf } from "../../graph/ir/expression.ts";
import { CONTEXT } from "../../graph/ir/graph.ts";
import { evaluated } from "./crossing.ts";
import type { DeviceFigures } from "./device-figures.ts";

/**
 * Share of a memory kept for activations, the runtime and fragments unless a user says otherwise.
 * Source: vLLM's default `--gpu-memory-utilization 0.9` (docs.vllm.ai, engine arguments).
 */
export const RESERVE_DEFAULT = 0.1;

/** Contexts that budgets are told for, as far as the model takes them. */
const CONTEXT_FIRST = 1024;
const CONTEXT_LAST = 131_072;

/** How many sequences a device's memory holds beside the whole model. */
export interface StateBudget {
  readonly capacityBytes: number;
  readonly reserveBytes: number;
  readonly weightBytes: number;
  /** What is left for state; negative where the weights do not fit. */
  readonly freeBytes: number;
  /** Devices of this kind whose memories together hold the weights beside the reserve. */
  readonly devicesForWeights: number;
  /** Empty where the model keeps no state, or none whose size is known. */
  readonly sequences: readonly ContextBudget[];
}

export interface ContextBudget {
  /** Tokens of every sequence; undefined where state does not grow with them. */
  readonly context: number | undefined;
  readonly bytesPerSequence: number;
  readonly sequences: number;
}

export interface BudgetModel {
  readonly weightBytes: number;
  /** What one sequence keeps, windows and recurrent state included. */
  readonly perSequence: Expression;
  readonly contextLength: number | undefined;
}

/** What a memory has left for states beside the weights and a reserve, and for how many sequences that is. `reserve`: share of the capacity. Units: bytes. */
export function stateBudgetOf(model: BudgetModel, memory: DeviceFigures["memory"], reserve: number): StateBudget {
  const { weightBytes, perSequence } = model;
  const { capacityBytes } = memory;
  const reserveBytes = capacityBytes * reserve;
  const usable = capacityBytes - reserveBytes;
  const freeBytes = usable - weightBytes;
  return {
    capacityBytes,
    reserveBytes,
    weightBytes,
    freeBytes,
    devicesForWeights: Math.max(1, Math.ceil(weightBytes / usable)),
    sequences: contextsOf(model).flatMap((context) => {
      const bytes = evaluated(perSequence, context === undefined ? {} : { [CONTEXT]: context });
      if (bytes === undefined || bytes === 0) return [];
      return [{ context, bytesPerSequence: bytes, sequences: Math.max(0, Math.floor(freeBytes / bytes)) }];
    }),
  };
}

/** Powers of two, and the most the model takes where it lies between them or before them. */
function contextsOf({ perSequence, contextLength }: BudgetModel): readonly (number | undefined)[] {
  if (!symbolsOf(perSequence).includes(CONTEXT)) return [undefined];
  const most = Math.min(contextLength ?? CONTEXT_LAST, CONTEXT_LAST);
  const contexts: number[] = [];
  for (let context = CONTEXT_FIRST; context < most; context *= 2) contexts.push(context);
  return [...contexts, most];
}

import { add, constant, type Expression } from "../graph/ir/expression.ts";

/**
 * What an operator does once: floating-point operations and bytes moved, as sizes allow.
 *
 * Model: 2 operations per multiply-add of products, scores and scans; what is done to each element alone (norms, activations, sums) counts
 * as none. Every operator reads its inputs from memory and writes its output there: what a device fuses or keeps on chip, it saves.
 */
export interface Work {
  readonly flops: Expression;
  /** Weights that are read: those of experts that some token visits, rows that are looked up, all of others. */
  readonly weightBytes: Expression;
  /** State that is read and written. */
  readonly stateBytes: Expression;
  /** Inputs and outputs that are neither. */
  readonly activationBytes: Expression;
}

export const NO_WORK: Work = { flops: constant(0), weightBytes: constant(0), stateBytes: constant(0), activationBytes: constant(0) };

export function sumOf(parts: readonly Work[]): Work {
  return {
    flops: add(...parts.map(({ flops }) => flops)),
    weightBytes: add(...parts.map(({ weightBytes }) => weightBytes)),
    stateBytes: add(...parts.map(({ stateBytes }) => stateBytes)),
    activationBytes: add(...parts.map(({ activationBytes }) => activationBytes)),
  };
}

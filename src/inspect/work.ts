import { add, type Bindings, constant, type Expression, evaluate, symbolsOf } from "../graph/ir/expression.ts";
import { isLong } from "../graph/shapes/size-arithmetic.ts";

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

/** The sum of parts, field by field. */
export function sumOf(parts: readonly Work[]): Work {
  return {
    flops: add(...parts.map(({ flops }) => flops)),
    weightBytes: add(...parts.map(({ weightBytes }) => weightBytes)),
    stateBytes: add(...parts.map(({ stateBytes }) => stateBytes)),
    activationBytes: add(...parts.map(({ activationBytes }) => activationBytes)),
  };
}

/** Longer formulas are no use to a reader. */
const MAX_TERMS = 64;

/** The work with formulas that are too long replaced by their values at `sizes`. */
export function boundedWork({ flops, weightBytes, stateBytes, activationBytes }: Work, sizes: Bindings): Work {
  const bounded = (expression: Expression): Expression =>
    expression.terms.length > MAX_TERMS || isLong(expression) ? constantAt(expression, sizes) : expression;
  return {
    flops: bounded(flops),
    weightBytes: bounded(weightBytes),
    stateBytes: bounded(stateBytes),
    activationBytes: bounded(activationBytes),
  };
}

function constantAt(expression: Expression, sizes: Bindings): Expression {
  const value = valueAt(expression, sizes);
  return Number.isFinite(value) ? constant(value) : expression;
}

/** As `evaluate`, where symbols without a value count 1. */
export function valueAt(expression: Expression, sizes: Bindings): number {
  const missing = symbolsOf(expression).filter((name) => !Object.hasOwn(sizes, name));
  return evaluate(expression, missing.length === 0 ? sizes : { ...sizes, ...Object.fromEntries(missing.map((name) => [name, 1])) });
}

/** FLOPs and bytes (weights, states and activations together) at given sizes. */
export function workAt({ flops, weightBytes, stateBytes, activationBytes }: Work, sizes: Bindings): { flops: number; bytes: number } {
  const bytes = [weightBytes, stateBytes, activationBytes].reduce((sum, part) => sum + valueAt(part, sizes), 0);
  return { flops: valueAt(flops, sizes), bytes };
}

import { add, constant, type Expression, evaluate, substitute } from "../graph/ir/expression.ts";
import { BATCH, CONTEXT, type Graph } from "../graph/ir/graph.ts";
import { bytesOfTensor } from "./tensor-bytes.ts";

/** What one sequence keeps between runs, in bytes. */
export interface StateSize {
  /** As its tokens are: `context` is their number. */
  readonly perSequence: Expression;
  /** Kept whatever the length: recurrent state, keys and values of an encoder's output. */
  readonly fixedBytes: number;
  /** That one more token adds while every window has room. */
  readonly bytesPerToken: number;
  /** That one more token adds when every window is full. */
  readonly bytesPerLaterToken: number;
}

/** Longer than any window: 2^40 tokens, where every sum of bytes is still exact. */
const FAR = 1_099_511_627_776;

export function stateSizeOf(graph: Graph): StateSize {
  const perSequence = substitute(add(...graph.states.map(bytesOfTensor)), { [BATCH]: constant(1) });
  const at = (context: number): number => evaluate(perSequence, { [CONTEXT]: context });
  // Beyond 2^53 a difference of two sums loses digits, so the growth is taken over a power of two of tokens.
  return { perSequence, fixedBytes: at(0), bytesPerToken: at(1) - at(0), bytesPerLaterToken: (at(2 * FAR) - at(FAR)) / FAR };
}

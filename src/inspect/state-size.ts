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

/** Longer than any window a configuration may name (2^24), and short enough that sums of bytes stay below 2^53. */
const FAR = 268_435_456;

export function stateSizeOf(graph: Graph): StateSize {
  const perSequence = substitute(add(...graph.states.map(bytesOfTensor)), { [BATCH]: constant(1) });
  const at = (context: number): number => evaluate(perSequence, { [CONTEXT]: context });
  return { perSequence, fixedBytes: at(0), bytesPerToken: at(1) - at(0), bytesPerLaterToken: at(FAR + 1) - at(FAR) };
}

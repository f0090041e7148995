import { add, type Bindings, bind, type Expression, evaluate, textOf } from "../graph/ir/expression.ts";
import { BATCH, CONTEXT, type DataType, type Graph, type State } from "../graph/ir/graph.ts";
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

/** `sizes` are values of symbols other than those of batch and context, for graphs whose states name such. */
export function stateSizeOf(graph: Graph, sizes: Bindings = {}): StateSize {
  const others = Object.fromEntries(Object.entries(sizes).filter(([name]) => name !== CONTEXT));
  const perSequence = bind(add(...graph.states.map(bytesOfTensor)), { ...others, [BATCH]: 1 });
  const at = (context: number): number => evaluate(perSequence, { [CONTEXT]: context });
  return { perSequence, fixedBytes: at(0), bytesPerToken: at(1) - at(0), bytesPerLaterToken: at(FAR + 1) - at(FAR) };
}

/** A state of a graph that was read from a file. */
export interface KeptState {
  readonly name: string;
  readonly kind: State["kind"];
  readonly type: DataType;
  /** Sizes of each dimension as formulas. */
  readonly shape: readonly string[];
  /** Of the whole batch, after the run. */
  readonly bytes: number;
  /** Of the whole batch, that one more token of each sequence adds. */
  readonly bytesPerToken: number;
}

/** The states at the sizes of a run, which gives every symbol a value. */
export function keptStatesOf(graph: Graph, sizes: Bindings): readonly KeptState[] {
  return graph.states.map((state) => {
    const bytes = bytesOfTensor(state);
    const at = (more: number): number => evaluate(bytes, { ...sizes, [CONTEXT]: (sizes[CONTEXT] ?? 0) + more });
    const { name, kind, type } = state;
    return { name, kind, type, shape: state.shape.map(textOf), bytes: at(0), bytesPerToken: at(1) - at(0) };
  });
}

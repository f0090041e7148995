import { HeddleError } from "../base/heddle-error.ts";
import type { HostTensor } from "../execute/device/tensor.ts";
import { type Bindings, constantOf, type Expression, evaluate, symbolsOf } from "../graph/ir/expression.ts";
import type { Graph, Tensor, TensorId } from "../graph/ir/graph.ts";
import { dimsOfShape } from "./port-specs.ts";

/** What is known of a tensor before it is there; sizes that only a run tells are undefined. */
export interface ExpectedTensor {
  readonly type: HostTensor["type"];
  readonly dims: readonly (number | undefined)[] | undefined;
}

/**
 * Values of the symbols in the shapes of a graph's inputs, from what a run is given.
 *
 * Errors: `input-invalid` naming the input, what it wants and what it got: another type, number of axes, size, or a symbol with two values.
 */
export function bindSizes(graph: Graph, given: ReadonlyMap<TensorId, ExpectedTensor>): Bindings {
  const sizes: Record<string, number> = {};
  for (const [id, { type, dims }] of given) {
    const wanted = graph.tensors[id]!;
    if (wanted.type !== type) throw invalid(graph, wanted, `got ${type}`);
    if (wanted.shape === undefined || dims === undefined) continue;
    if (wanted.shape.length !== dims.length) throw invalid(graph, wanted, `got [${dims.join(", ")}]`);
    for (const [axis, size] of wanted.shape.entries()) {
      const got = dims[axis];
      if (got !== undefined) bindOne(graph, wanted, { size, got, dims, sizes });
    }
  }
  return sizes;
}

interface OneSize {
  readonly size: Expression;
  readonly got: number;
  readonly dims: readonly (number | undefined)[];
  readonly sizes: Record<string, number>;
}

function bindOne(graph: Graph, tensor: Tensor, { size, got, dims, sizes }: OneSize): void {
  const fixed = constantOf(size);
  if (fixed !== undefined && fixed !== got) throw invalid(graph, tensor, `got [${dims.join(", ")}]`);
  const [term] = size.terms;
  const [factor] = term?.factors ?? [];
  const alone = size.terms.length === 1 && term?.coefficient === 1 && term.factors.length === 1 && factor?.type === "symbol";
  if (!alone) return;
  const before = sizes[factor.name];
  if (before !== undefined && before !== got)
    throw invalid(graph, tensor, `got [${dims.join(", ")}], but ${factor.name} is ${before} elsewhere`);
  sizes[factor.name] = got;
}

/** Sizes of a tensor in a run; undefined where a run alone tells. */
export function expectedDims(shape: readonly Expression[] | undefined, sizes: Bindings): readonly (number | undefined)[] | undefined {
  return shape?.map((size) => {
    if (symbolsOf(size).some((name) => sizes[name] === undefined)) return undefined;
    const value = evaluate(size, sizes);
    return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  });
}

function invalid(graph: Graph, { name, type, shape }: Tensor, got: string): HeddleError {
  const sizes = dimsOfShape(shape);
  return new HeddleError("input-invalid", {
    where: `${graph.name}, ${name}`,
    detail: `wants ${type} [${sizes?.join(", ") ?? "…"}], ${got}`,
  });
}

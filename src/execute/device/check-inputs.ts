import { HeddleError } from "../../base/heddle-error.ts";
import { type Bindings, constantOf, evaluate, symbolsOf, textOf } from "../../graph/ir/expression.ts";
import type { Port, StageModel } from "../../graph/program/program.ts";
import type { TensorType } from "./tensor.ts";

interface Given {
  readonly type: TensorType;
  readonly dims: readonly number[];
}

/**
 * Holds what a run is given against the stage's ports; gives the sizes that inputs of the whole graph tell.
 *
 * Model: types, numbers of dimensions and known sizes of every port count. Equal names mean equal sizes only where the graph itself is given both:
 * what files say of tensors in between is often made up by exporters.
 * Errors: `input-invalid` for a port that is missing or is none, a wrong type or shape.
 */
export function checkInputs(stage: StageModel, inputs: Readonly<Record<string, Given>>): Bindings {
  const known = namesOf(stage);
  for (const name in inputs) {
    if (!known.has(name)) throw invalid(stage, name, `it has no such input; it takes ${[...known].join(", ") || "none"}`);
  }
  const sizes: Record<string, number> = {};
  for (const port of stage.inputs) {
    const tensor = Object.hasOwn(inputs, port.name) ? inputs[port.name] : undefined;
    if (tensor === undefined) throw invalid(stage, port.name, `it is not given; the stage takes ${[...known].join(", ")}`);
    if (tensor.type !== port.type) throw invalid(stage, port.name, `it wants ${port.type} and got ${tensor.type}`);
    checkShape(stage, port, { tensor, sizes });
  }
  return sizes;
}

const namesOfStages = new WeakMap<StageModel, ReadonlySet<string>>();

/** Made once a stage: a run must not cost more than its inputs are many. */
function namesOf(stage: StageModel): ReadonlySet<string> {
  const known = namesOfStages.get(stage) ?? new Set(stage.inputs.map(({ name }) => name));
  namesOfStages.set(stage, known);
  return known;
}

function checkShape(
  stage: StageModel,
  port: Port,
  { tensor, sizes }: { readonly tensor: Given; readonly sizes: Record<string, number> },
): void {
  const { shape } = port;
  if (shape === undefined) return;
  const wrong = (): HeddleError => {
    const known = Object.entries(sizes).map(([symbol, size]) => `${symbol} = ${size}`);
    const at = known.length === 0 ? "" : ` at ${known.join(", ")}`;
    return invalid(stage, port.name, `it wants [${shape.map(textOf).join(", ")}]${at} and got [${tensor.dims.join(", ")}]`);
  };
  if (shape.length !== tensor.dims.length) throw wrong();
  const isGiven = stage.graph.tensors[port.tensor]?.origin === "input";
  for (const [axis, size] of shape.entries()) {
    const dim = tensor.dims[axis]!;
    const fixed = constantOf(size);
    if (fixed !== undefined && fixed !== dim) throw wrong();
    if (!isGiven) continue;
    const open = symbolsOf(size).filter((symbol) => sizes[symbol] === undefined);
    if (open.length === 1 && textOf(size) === open[0]) sizes[open[0]] = dim;
    else if (open.length === 0 && evaluate(size, sizes) !== dim) throw wrong();
  }
}

function invalid(stage: StageModel, input: string, detail: string): HeddleError {
  return new HeddleError("input-invalid", { where: `${stage.name}, input ${input}`, detail });
}

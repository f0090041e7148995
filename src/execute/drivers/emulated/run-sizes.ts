import { HeddleError } from "../../../base/heddle-error.ts";
import { type Bindings, evaluate, symbolsOf, textOf } from "../../../graph/ir/expression.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import type { EmulatedShapes } from "../../../rack/emulation.ts";
import type { DeviceTensor } from "../../device/device-driver.ts";
import { axisOf } from "./padding/axes.ts";

/**
 * Sizes of the symbols of a run, from what it is given.
 *
 * Errors: `input-invalid` where a port is missing, is none of the stage's, or has another type or shape, or where a symbol has two sizes.
 */
export function sizesOfRun(stage: StageModel, inputs: Readonly<Record<string, DeviceTensor>>): Bindings {
  const sizes: Record<string, number> = {};
  const unknown = Object.keys(inputs).find((name) => !stage.inputs.some((port) => port.name === name));
  if (unknown !== undefined)
    throw invalid(stage, unknown, `it has no such input; it takes ${stage.inputs.map(({ name }) => name).join(", ")}`);
  for (const { name, type, shape } of stage.inputs) {
    const tensor = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (tensor === undefined) throw invalid(stage, name, "it is not given");
    if (tensor.type !== type) throw invalid(stage, name, `it wants ${type} and got ${tensor.type}`);
    if (shape === undefined) continue;
    const wanted = `[${shape.map(textOf).join(", ")}]`;
    if (shape.length !== tensor.dims.length) throw invalid(stage, name, `it wants ${wanted} and got [${tensor.dims.join(", ")}]`);
    for (const [axis, size] of shape.entries()) {
      const kind = axisOf(size);
      if (typeof kind === "object") sizes[kind.symbol] ??= tensor.dims[axis]!;
      const bound = symbolsOf(size).every((symbol) => sizes[symbol] !== undefined);
      if (bound && evaluate(size, sizes) !== tensor.dims[axis])
        throw invalid(stage, name, `it wants ${wanted} at ${textOfSizes(sizes)} and got [${tensor.dims.join(", ")}]`);
    }
  }
  return sizes;
}

/**
 * The sizes a run is computed at.
 *
 * Errors: `input-invalid` where a size is none that a bucket holds.
 */
export function paddedSizes(stage: StageModel, sizes: Bindings, shapes: EmulatedShapes): Bindings {
  if (shapes.type !== "bucketed") return sizes;
  const padded = Object.entries(sizes).map(([symbol, size]) => {
    const bucket = size < 1 ? undefined : shapes.sizes.find((each) => each >= size);
    if (bucket === undefined) throw invalid(stage, symbol, `a size of ${size} fits none of the buckets ${shapes.sizes.join(", ")}`);
    return [symbol, bucket] as const;
  });
  return Object.fromEntries(padded);
}

export function textOfSizes(sizes: Bindings): string {
  return Object.entries(sizes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([symbol, size]) => `${symbol} = ${size}`)
    .join(", ");
}

function invalid(stage: StageModel, input: string, detail: string): HeddleError {
  return new HeddleError("input-invalid", { where: `${stage.name}, ${input}`, detail });
}

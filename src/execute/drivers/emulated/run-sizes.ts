import { HeddleError } from "../../../base/heddle-error.ts";
import type { Bindings } from "../../../graph/ir/expression.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import type { EmulatedShapes } from "../../../rack/emulation.ts";
import { checkInputs } from "../../device/check-inputs.ts";
import type { DeviceTensor } from "../../device/device-driver.ts";
import { axisOf } from "./padding/axes.ts";

/**
 * Sizes of the symbols of a run, from what it is given: those that inputs of the whole graph tell, and, of what comes from other stages, the first that
 * is met.
 *
 * Errors: `input-invalid`, of a bucketed device also where a symbol has two sizes: then nothing could be cut back.
 */
export function sizesOfRun(stage: StageModel, inputs: Readonly<Record<string, DeviceTensor>>, shapes: EmulatedShapes): Bindings {
  const sizes: Record<string, number> = { ...checkInputs(stage, inputs) };
  for (const { name, shape } of stage.inputs) {
    for (const [axis, size] of (shape ?? []).entries()) {
      const kind = axisOf(size);
      if (typeof kind !== "object") continue;
      const seen = inputs[name]!.dims[axis]!;
      const known = sizes[kind.symbol] ?? seen;
      sizes[kind.symbol] = known;
      if (known !== seen && shapes.type === "bucketed") throw invalid(stage, name, `${kind.symbol} is ${seen} here and ${known} elsewhere`);
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

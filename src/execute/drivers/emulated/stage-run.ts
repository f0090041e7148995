import { HeddleError } from "../../../base/heddle-error.ts";
import { type Bindings, evaluate, symbolsOf } from "../../../graph/ir/expression.ts";
import type { Port, StageModel } from "../../../graph/program/program.ts";
import type { Emulation } from "../../../rack/emulation.ts";
import type { DeviceTensor, OpenDevice, ResidentStage } from "../../device/device-driver.ts";
import type { HostTensor } from "../../device/tensor.ts";
import { roundedTo } from "./numbers/rounded.ts";
import { product, resized } from "./padding/pad-tensor.ts";

/** One run of a stage on the device that computes, at the sizes it is to be computed at. */
export interface StageComputation {
  readonly stage: StageModel;
  readonly resident: ResidentStage;
  readonly inputs: Readonly<Record<string, DeviceTensor>>;
  readonly sizes: Bindings;
  readonly padded: Bindings;
}

export interface Computed {
  /** New tensors of the device that computes. */
  readonly outputs: Readonly<Record<string, DeviceTensor>>;
  /** Elements that went in and came out, and those among them that only fill a bucket. */
  readonly elements: number;
  readonly fillingElements: number;
}

/**
 * Computes a stage: inputs rounded and padded as the description says, results cut back.
 *
 * Errors: those of the device; `device-failed` where a result does not have the shape it should have, so that it cannot be cut back.
 */
export async function computeStage(inner: OpenDevice, emulation: Emulation, computation: StageComputation): Promise<Computed> {
  const { stage, resident, inputs, sizes, padded } = computation;
  const made: DeviceTensor[] = [];
  const count = { elements: 0, fillingElements: 0 };
  const counted = (dims: readonly number[], filled: readonly number[]): void => {
    count.elements += product(filled);
    count.fillingElements += product(filled) - product(dims);
  };
  try {
    const given: Record<string, DeviceTensor> = {};
    for (const port of stage.inputs) {
      const tensor = inputs[port.name]!;
      const dims = dimsAt(port, padded) ?? tensor.dims;
      counted(tensor.dims, dims);
      const isRounded = emulation.rounding === "inputs" && tensor.type === "f32";
      if (!isRounded && isSame(dims, tensor.dims)) {
        given[port.name] = tensor;
        continue;
      }
      const host = await inner.download(tensor);
      given[port.name] = await inner.upload(resized(isRounded ? roundedTensor(host, emulation) : host, dims));
      made.push(given[port.name]!);
    }
    const { outputs } = await resident.run(given);
    const cut: Record<string, DeviceTensor> = {};
    for (const port of stage.outputs) {
      const output = outputs[port.name]!;
      const dims = padded === sizes ? output.dims : cutDims(port, output, { sizes, padded });
      counted(dims, output.dims);
      if (isSame(dims, output.dims)) {
        cut[port.name] = output;
        continue;
      }
      made.push(output);
      cut[port.name] = await inner.upload(resized(await inner.download(output), dims));
    }
    return { outputs: cut, ...count };
  } finally {
    for (const tensor of made) inner.free(tensor);
  }
}

function roundedTensor(tensor: HostTensor, { format }: Emulation): HostTensor {
  return { ...tensor, data: roundedTo(format, tensor.data as Float32Array, tensor.dims.at(-1) ?? 1) };
}

/** Undefined where a size is not known. */
function dimsAt({ shape }: Port, sizes: Bindings): readonly number[] | undefined {
  const known = shape?.every((size) => symbolsOf(size).every((symbol) => sizes[symbol] !== undefined));
  return known === true ? shape!.map((size) => evaluate(size, sizes)) : undefined;
}

function cutDims(
  port: Port,
  output: DeviceTensor,
  { sizes, padded }: { readonly sizes: Bindings; readonly padded: Bindings },
): readonly number[] {
  const [wanted, filled] = [dimsAt(port, sizes), dimsAt(port, padded)];
  if (wanted !== undefined && filled !== undefined && isSame(filled, output.dims)) return wanted;
  const detail = `${port.name} has the shape [${output.dims.join(", ")}], not [${filled?.join(", ") ?? "unknown"}]: it cannot be cut back to its size`;
  throw new HeddleError("device-failed", { where: "emulated padding", detail });
}

function isSame(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((size, axis) => size === right[axis]);
}

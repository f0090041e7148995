import { assert } from "../../../base/assert.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import { ELEMENT_BYTES } from "../../../graph/ir/graph.ts";
import type { DeviceTensor, OpenDevice } from "../../device/device-driver.ts";
import type { DeviceMemory } from "./device-memory.ts";
import { product } from "./padding/pad-tensor.ts";

/** Tensors of an emulated device: each stands for one of the device that computes, and takes room in the emulated memory. */
export interface EmulatedTensors {
  /** Errors: `capacity`; the inner tensor is freed then. */
  adopt(inner: DeviceTensor, what: string): DeviceTensor;
  /** Errors: `input-invalid` where it is not there. */
  innerOf(tensor: DeviceTensor): DeviceTensor;
  free(tensor: DeviceTensor): void;
  /** As `free`, where the inner tensor is gone already. */
  forget(tensor: DeviceTensor): DeviceTensor;
}

export function createEmulatedTensors(device: string, inner: OpenDevice, memory: DeviceMemory): EmulatedTensors {
  const live = new Map<DeviceTensor, DeviceTensor>();
  const innerOf = (tensor: DeviceTensor): DeviceTensor => {
    const known = live.get(tensor);
    if (known === undefined) throw new HeddleError("input-invalid", { where: device, detail: "the tensor is not on this device" });
    return known;
  };
  const forget = (tensor: DeviceTensor): DeviceTensor => {
    const known = live.get(tensor);
    assert(known !== undefined, "a tensor is freed once, where it is", { device });
    live.delete(tensor);
    memory.give(tensor.bytes);
    return known;
  };
  return {
    innerOf,
    forget,
    free: (tensor) => inner.free(forget(tensor)),
    adopt: (made, what) => {
      const { type, dims, bytes } = made;
      try {
        memory.take(bytes, what);
      } catch (thrown) {
        inner.free(made);
        throw thrown;
      }
      const tensor = { type, dims, bytes };
      live.set(tensor, made);
      return tensor;
    },
  };
}

/** Bytes of a dense tensor. */
export function tensorBytes({ type, dims }: Pick<DeviceTensor, "type" | "dims">): number {
  return product(dims) * ELEMENT_BYTES[type];
}

import { ELEMENT_BYTES } from "../../graph/ir/graph.ts";
import { ARRAYS } from "./array-types.ts";
import type { HostTensor, TensorArray, TensorType } from "./tensor.ts";

export const TENSOR_TYPES: readonly TensorType[] = Object.keys(ARRAYS) as TensorType[];

export function elementsOf(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** Bytes of a dense tensor. */
export function bytesOfTensor({ type, dims }: Pick<HostTensor, "type" | "dims">): number {
  return elementsOf(dims) * ELEMENT_BYTES[type];
}

/** The bytes of an array, without a copy. */
export function bytesView({ buffer, byteOffset, byteLength }: TensorArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Bytes as elements of a type; copied only where they do not lie at a multiple of the element's size. */
export function elementsIn(type: TensorType, bytes: Uint8Array): TensorArray {
  const size = ELEMENT_BYTES[type];
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new ARRAYS[type](aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

/** A tensor of bytes that are its own. */
export function tensorIn(type: TensorType, dims: readonly number[], bytes: Uint8Array): HostTensor {
  return { type, dims, data: elementsIn(type, bytes) };
}

import { must } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { ARRAYS } from "../device/array-types.ts";
import type { HostTensor, TensorType } from "../device/tensor.ts";

export function elementBytes(type: TensorType): number {
  return must(ARRAYS[type], "an element type of tensors").BYTES_PER_ELEMENT;
}

export function elementCount(dims: readonly number[]): number {
  let product = 1;
  for (const dim of dims) product *= dim;
  return product;
}

/** A view on the tensor's bytes. */
export function bytesOfTensor({ data }: HostTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * A tensor over bytes that came from elsewhere; copied only where they are not aligned.
 *
 * Errors: `input-invalid` where type, sizes and bytes do not agree.
 */
export function tensorOfBytes(type: TensorType, dims: readonly number[], bytes: Uint8Array): HostTensor {
  const maker = Object.hasOwn(ARRAYS, type) ? ARRAYS[type] : undefined;
  if (maker === undefined) throw new HeddleError("input-invalid", { where: String(type), detail: "not an element type of tensors" });
  const sound = Array.isArray(dims) && dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
  const count = sound ? elementCount(dims) : Number.NaN;
  if (count * maker.BYTES_PER_ELEMENT !== bytes.byteLength) {
    throw new HeddleError("input-invalid", { where: `${type} [${dims}]`, detail: `${bytes.byteLength} bytes are not such a tensor` });
  }
  const aligned = bytes.byteOffset % maker.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return { type, dims, data: new maker(aligned.buffer, aligned.byteOffset, count) };
}

/** Rows [from, to) of the first axis, as a view; `to` -1: all. Errors: `input-invalid` for rows that are not there. */
export function rowsOf(tensor: HostTensor, from: number, to: number): HostTensor {
  if (to < 0) return tensor;
  const rows = tensor.dims[0];
  if (rows === undefined || !Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || from > to || to > rows) {
    throw new HeddleError("input-invalid", { where: "rows", detail: `[${from}, ${to}) of a tensor [${tensor.dims}]` });
  }
  const width = elementCount(tensor.dims.slice(1));
  const bytes = bytesOfTensor(tensor).subarray(from * width * elementBytes(tensor.type), to * width * elementBytes(tensor.type));
  return tensorOfBytes(tensor.type, [to - from, ...tensor.dims.slice(1)], bytes);
}

/** A copy in memory of its own, which may be given away. */
export function ownedCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(Buffer.allocUnsafeSlow(bytes.byteLength).buffer as ArrayBuffer);
  copy.set(bytes);
  return copy;
}

import type { HostTensor, TensorArray } from "../../../device/tensor.ts";

/**
 * A tensor with its axes made longer or shorter. What is added repeats the last element along the axis: a value that was there anyway is a valid index and
 * divides nothing by zero that was not divided before.
 */
export function resized(tensor: HostTensor, dims: readonly number[]): HostTensor {
  if (dims.every((size, axis) => size === tensor.dims[axis])) return tensor;
  const data = emptyLike(tensor.data, product(dims));
  copyAxes({ from: tensor.data, fromDims: tensor.dims, to: data, toDims: dims }, 0, 0, 0);
  return { type: tensor.type, dims, data };
}

interface Copying {
  readonly from: TensorArray;
  readonly fromDims: readonly number[];
  readonly to: TensorArray;
  readonly toDims: readonly number[];
}

function copyAxes(copying: Copying, axis: number, source: number, target: number): void {
  const { from, fromDims, to, toDims } = copying;
  if (fromDims.slice(axis).every((size, i) => size === toDims[axis + i])) {
    const count = product(toDims.slice(axis));
    setRange(to, from, { source, target, count });
    return;
  }
  const [sourceStride, targetStride] = [product(fromDims.slice(axis + 1)), product(toDims.slice(axis + 1))];
  for (let place = 0; place < toDims[axis]!; place++) {
    const read = Math.min(place, fromDims[axis]! - 1);
    copyAxes(copying, axis + 1, source + read * sourceStride, target + place * targetStride);
  }
}

function setRange(to: TensorArray, from: TensorArray, { source, target, count }: { source: number; target: number; count: number }): void {
  if (from instanceof BigInt64Array || from instanceof BigUint64Array)
    (to as BigInt64Array).set(from.subarray(source, source + count) as BigInt64Array, target);
  else (to as Float32Array).set(from.subarray(source, source + count) as Float32Array, target);
}

export function product(dims: readonly number[]): number {
  return dims.reduce((all, size) => all * size, 1);
}

function emptyLike(data: TensorArray, count: number): TensorArray {
  return new (data.constructor as new (length: number) => TensorArray)(count);
}

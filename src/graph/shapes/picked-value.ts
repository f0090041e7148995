import { constantOf } from "../ir/expression.ts";
import type { Fact } from "./fact.ts";

/** Elements at some places of each axis, in row order; undefined where elements, sizes or places are not known. */
export function pickedValue({ value, shape }: Fact, places: (axis: number, count: number) => readonly number[] | undefined): Fact["value"] {
  if (value === undefined || shape === undefined) return undefined;
  let stride = value.length;
  let offsets: readonly number[] = [0];
  for (const [axis, size] of shape.entries()) {
    const count = constantOf(size);
    const picked = count === undefined ? undefined : places(axis, count);
    if (picked === undefined || !count) return undefined;
    stride /= count;
    offsets = offsets.flatMap((offset) => picked.map((place) => offset + place * stride));
  }
  return offsets.map((offset) => value[offset]);
}

/** Elements with the axes in another order. */
export function turnedValue({ value, shape }: Fact, order: readonly number[]): Fact["value"] {
  const sizes = shape?.map(constantOf);
  if (value === undefined || sizes === undefined || sizes.includes(undefined)) return undefined;
  const strides = sizes.map((_, axis) => sizes.slice(axis + 1).reduce<number>((product, size) => product * size!, 1));
  let offsets: readonly number[] = [0];
  for (const axis of order)
    offsets = offsets.flatMap((offset) => Array.from({ length: sizes[axis]! }, (_, place) => offset + place * strides[axis]!));
  return offsets.map((offset) => value[offset]);
}

import { constantOf, type Expression, equal } from "../ir/expression.ts";
import { MAX_VALUE_ELEMENTS } from "./fact.ts";
import { greater, ONE } from "./size-arithmetic.ts";

type Shape = readonly Expression[];

/** Shape of an elementwise result, by numpy's rule: aligned at the last axis, a size of 1 repeats. Undefined where sizes contradict. */
export function broadcast(shapes: readonly Shape[]): Shape | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: Expression[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let size: Expression | undefined = ONE;
    for (const shape of shapes) {
      const at = axis - rank + shape.length;
      if (at >= 0) size = size === undefined ? undefined : broadcastSize(size, shape[at]!);
    }
    if (size === undefined) return undefined;
    result.push(size);
  }
  return result;
}

/** Two sizes neither of which is known to be 1 are equal or one of them is 1: the greater. (Not so where 0 meets 1.) */
function broadcastSize(left: Expression, right: Expression): Expression | undefined {
  const [a, b] = [constantOf(left), constantOf(right)];
  if (a === 1) return right;
  if (b === 1 || equal(left, right)) return left;
  if (a !== undefined && b !== undefined) return undefined;
  if (a !== undefined) return left;
  if (b !== undefined) return right;
  return greaterOnce(left, right);
}

/** As `greater`, but max(max(a, b), b) is max(a, b): long chains of elementwise operators meet the same sizes again and again. */
function greaterOnce(left: Expression, right: Expression): Expression {
  const [parts, others] = [partsOf(left), partsOf(right)];
  const holds = (list: readonly Expression[], part: Expression): boolean => list.some((each) => equal(each, part));
  if (others.every((part) => holds(parts, part))) return left;
  return parts.every((part) => holds(others, part)) ? right : greater(left, right);
}

function partsOf(size: Expression): readonly Expression[] {
  const [term, more] = size.terms;
  const [factor, another] = term?.factors ?? [];
  if (more !== undefined || another !== undefined || term?.coefficient !== 1 || factor?.type !== "max") return [size];
  return [...partsOf(factor.left), ...partsOf(factor.right)];
}

/** Places in each input that the elements of a broadcast result are made from, in row order; undefined where sizes are not known or many. */
export function broadcastPlaces(shapes: readonly Shape[], result: Shape): readonly (readonly number[])[] | undefined {
  const sizes = result.map(constantOf);
  const count = sizes.reduce<number>((product, size) => product * (size ?? Number.NaN), 1);
  if (!(count <= MAX_VALUE_ELEMENTS)) return undefined;
  const strides = shapes.map((shape) => stridesOf(shape, sizes.length));
  return Array.from({ length: count }, (_, element) => {
    let rest = element;
    const places = shapes.map(() => 0);
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const index = rest % sizes[axis]!;
      rest = (rest - index) / sizes[axis]!;
      strides.forEach((stride, input) => {
        places[input]! += index * stride[axis]!;
      });
    }
    return places;
  });
}

/** Elements from one index of an axis to the next, 0 where the input repeats. */
function stridesOf(shape: Shape, rank: number): readonly number[] {
  const strides = new Array<number>(rank).fill(0);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = constantOf(shape[axis]!) ?? 1;
    if (size !== 1) strides[axis + rank - shape.length] = stride;
    stride *= size;
  }
  return strides;
}

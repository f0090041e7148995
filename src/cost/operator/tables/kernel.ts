import { exp } from "../../../base/math.ts";

/** How alike two shapes are by their distance: `rough` follows kinks (Matérn 1/2), `smooth` bends (Matérn 3/2). */
export type KernelKind = "rough" | "smooth";

const SQRT_3 = Math.sqrt(3);

/** 1 at distance 0, towards 0 far away. */
export function kernel(kind: KernelKind, distance: number): number {
  if (kind === "rough") return exp(-distance);
  const scaled = SQRT_3 * distance;
  return (1 + scaled) * exp(-scaled);
}

/** Distance of two points of `dimensions` coordinates that stand at the offsets of their arrays. */
export function distance(a: Float64Array, aAt: number, b: Float64Array, bAt: number, dimensions: number): number {
  let sum = 0;
  for (let k = 0; k < dimensions; k++) {
    const difference = a[aAt + k]! - b[bAt + k]!;
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}

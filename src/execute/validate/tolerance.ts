import type { DataType } from "../../graph/ir/graph.ts";
import type { Numerics } from "../device/device-driver.ts";
import type { HostTensor } from "../device/tensor.ts";

/**
 * Unit roundoff of formats: half the distance from 1 to the next value; for 8 bits half a step of 1/127.
 *
 * Source: significand bits of IEEE 754-2019 and of the OCP 8-bit floating point specification (2023).
 */
const ROUNDOFF: Readonly<Partial<Record<DataType, number>>> = {
  f64: 2.2e-16,
  f32: 6.0e-8,
  f16: 4.9e-4,
  bf16: 3.9e-3,
  f8e4m3: 6.25e-2,
  f8e5m2: 0.125,
  i8: 3.9e-3,
};

/** Largest error of approximations of functions (exp, erf, tanh) that runtimes use for f32, over the largest value. */
const APPROXIMATION = 2e-6;
/** Errors of a few roundings may add up. */
const ROUNDINGS = 8;

/**
 * How far results may be from the reference, over the reference's largest value.
 *
 * Model: a device that computes f32 products in f32 rounds nothing else; otherwise inputs are rounded to the widest format it has. Sums are in f32, with
 * an error that grows with the root of their length; functions are approximated. What sums in a narrower type is beyond it, and that is meant.
 */
export function toleranceFor(formats: readonly DataType[], sumLength: number): number {
  const roundoff = roundoffOf(formats);
  const narrow = roundoff > ROUNDOFF.f32! ? ROUNDINGS * roundoff : 0;
  return narrow + ROUNDINGS * ROUNDOFF.f32! * Math.sqrt(sumLength) + APPROXIMATION;
}

/** Steps that a range is cut into by 8 bits, and what a rounding to the nearest is off on average, in steps. */
const STEPS = 255;
const STEP_ERROR = Math.sqrt(1 / 12);
/** Largest error of some results over their mean, where the largest result is no more than that over its own. */
const LARGEST = 4;

/**
 * What the device says of an operator that it computes less exactly than its formats, and how far results may be off. `activations`: what it is given,
 * and its results, which a recurrence multiplies again.
 */
export function approximationOf(
  { approximations = [] }: Numerics,
  type: string,
  activations: Readonly<Record<string, HostTensor>>,
): { readonly error: number; readonly source: string } | undefined {
  const said = approximations.find(({ operators }) => operators.includes(type));
  if (said === undefined) return undefined;
  const error = said.error === "unrounded" ? Math.max(0, ...Object.values(activations).map(roundingShare)) : said.error;
  return { error, source: said.source };
}

/** Error of a sum of products whose activations are rounded to 8 bits over their range, over the sum: roundings and activations add up alike. */
function roundingShare({ data }: HostTensor): number {
  if (!(data instanceof Float32Array) || data.length === 0) return 0;
  let [low, high, squares] = [0, 0, 0];
  for (const value of data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    squares += value * value;
  }
  return squares === 0 ? 0 : (LARGEST * STEP_ERROR * (high - low)) / STEPS / Math.sqrt(squares / data.length);
}

/** Of the widest format a device computes in; no wider than f32, which operators of a graph are in. */
export function roundoffOf(formats: readonly DataType[]): number {
  const known = formats.flatMap((format) => ROUNDOFF[format] ?? []);
  return Math.max(ROUNDOFF.f32!, Math.min(...known, ROUNDOFF.f8e5m2!));
}

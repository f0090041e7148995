import type { DataType } from "../../graph/ir/graph.ts";
import type { Approximation, Numerics } from "../device/device-driver.ts";

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

/** What the device says of operators that it computes less exactly than its formats; the loosest where there are more. */
export function approximationOf({ approximations = [] }: Numerics, types: readonly string[]): Approximation | undefined {
  const own = approximations.filter(({ operators }) => types.some((type) => operators.includes(type)));
  return own.reduce<Approximation | undefined>(
    (loosest, each) => (loosest !== undefined && loosest.error >= each.error ? loosest : each),
    undefined,
  );
}

/** Of the widest format a device computes in; no wider than f32, which operators of a graph are in. */
export function roundoffOf(formats: readonly DataType[]): number {
  const known = formats.flatMap((format) => ROUNDOFF[format] ?? []);
  return Math.max(ROUNDOFF.f32!, Math.min(...known, ROUNDOFF.f8e5m2!));
}

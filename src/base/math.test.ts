/** Goal: portable ln, exp and pow are right to a few ulps. Method: against the built-in ones over seeded arguments. */
import { expect, test } from "vitest";
import { exp, ln, pow } from "./math.ts";
import { seededPrng } from "./prng.ts";

function relativeError(got: number, want: number): number {
  return got === want ? 0 : Math.abs(got - want) / Math.abs(want);
}

test("ln, exp and pow follow the built-in functions", () => {
  const prng = seededPrng(7);
  for (let i = 0; i < 20_000; i++) {
    const x = Math.exp((prng.nextFloat() - 0.5) * 1400);
    expect(relativeError(ln(x), Math.log(x))).toBeLessThan(5e-16);
    const y = (prng.nextFloat() - 0.5) * 1400;
    expect(relativeError(exp(y), Math.exp(y))).toBeLessThan(5e-16);
    const theta = 10 + prng.nextFloat() * 1e6;
    const power = -prng.nextFloat();
    expect(relativeError(pow(theta, power), theta ** power)).toBeLessThan(1e-14);
  }
});

test("edges", () => {
  expect([ln(1), ln(0), ln(-1), ln(Infinity)]).toEqual([0, -Infinity, NaN, Infinity]);
  expect([exp(0), exp(-800), exp(800), exp(NaN)]).toEqual([1, 0, Infinity, NaN]);
  expect([pow(5, 0), pow(0, 2), pow(0, -2), pow(-1, 0.5)]).toEqual([1, 0, Infinity, NaN]);
  expect(relativeError(ln(5e-324), Math.log(5e-324))).toBeLessThan(5e-16);
});

/** Goal: E4M3 codes are those of the format. Method: all 256 values by the definition, and what lies half-way between neighbours. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FP8_MAX, FP8_VALUES, fp8Code } from "./fp8.ts";

const positive = Array.from({ length: 0x7f }, (_, code) => FP8_VALUES[code]!);

/** The nearest code, of two equally near the one with an even fraction, by looking at all. */
function nearest(value: number): number {
  let best = 0;
  for (let code = 1; code < positive.length; code++) {
    const [near, old] = [Math.abs(positive[code]! - value), Math.abs(positive[best]! - value)];
    if (near < old || (near === old && code % 2 === 0)) best = code;
  }
  return best;
}

describe("e4m3", () => {
  test("holds the values the format lists", () => {
    expect([0x00, 0x01, 0x07, 0x08, 0x38, 0x3c, 0x77, 0x7e].map((code) => FP8_VALUES[code])).toEqual([
      0,
      2 ** -9,
      0.875 * 2 ** -6,
      2 ** -6,
      1,
      1.5,
      240,
      448,
    ]);
    expect(FP8_VALUES.length).toBe(256);
    for (let code = 0; code < 0x7f; code++) expect(FP8_VALUES[code | 0x80]).toBe(-FP8_VALUES[code]!);
    expect([FP8_VALUES[0x7f], FP8_VALUES[0xff]]).toEqual([Number.NaN, Number.NaN]);
  });

  test("every value has its own code", () => {
    for (let code = 0; code < 256; code++) if ((code & 0x7f) !== 0x7f) expect(fp8Code(FP8_VALUES[code]!)).toBe(code);
    expect([fp8Code(Number.NaN) & 0x7f, fp8Code(-0)]).toEqual([0x7f, 0x80]);
  });

  test("half-way goes to the even code, a little beside it to the nearer one", () => {
    for (let code = 0; code < positive.length - 1; code++) {
      const middle = (positive[code]! + positive[code + 1]!) / 2;
      const tiny = middle * 2 ** -22;
      expect([middle - tiny, middle, middle + tiny].map(fp8Code)).toEqual([code, code % 2 === 0 ? code : code + 1, code + 1]);
    }
  });

  test("what is too large is the largest", () => {
    expect([449, 463, 464, 480, 1e30, Number.POSITIVE_INFINITY, -1e30].map(fp8Code)).toEqual([0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0xfe]);
  });

  test("any f32 goes to the nearest", () => {
    fc.assert(
      fc.property(fc.float({ min: 0, max: FP8_MAX, noNaN: true }), (value) => {
        expect(fp8Code(value) & 0x7f).toBe(nearest(value));
      }),
      { numRuns: 2_000 },
    );
  });
});

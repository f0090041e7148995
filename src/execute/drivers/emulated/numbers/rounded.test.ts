// Goal: rounding is to nearest, ties to even, at every exponent. Method: all patterns of both formats, and what lies between neighbours.
import { describe, expect, it } from "vitest";
import { halfTable } from "../../../../graph/decoder/half.ts";
import { roundedTo, toBf16, toF16 } from "./rounded.ts";

function bf16Values(): Float32Array {
  return new Float32Array(Uint32Array.from({ length: 65536 }, (_, bits) => bits << 16).buffer);
}

describe.each([
  ["f16", toF16, halfTable()],
  ["bf16", toBf16, bf16Values()],
] as const)("%s", (_name, round, values) => {
  it("keeps what it can hold", () => {
    const moved = [...values].filter((value) => !Object.is(round(value), value) && !Number.isNaN(value));
    expect(moved).toEqual([]);
  });

  it("rounds to the nearer neighbour, and ties to the even one", () => {
    const wrong: string[] = [];
    for (let bits = 0; bits < 0x7bff; bits += 7) {
      const [low, high] = [values[bits]!, values[bits + 1]!];
      if (!Number.isFinite(high)) continue;
      const middle = low + (high - low) / 2;
      const even = bits % 2 === 0 ? low : high;
      if (round(middle) !== even) wrong.push(`middle after ${low}`);
      if (round(-middle) !== -even) wrong.push(`middle before ${-low}`);
      if (round(Math.fround(low + (high - low) * 0.49)) !== low) wrong.push(`above ${low}`);
      if (round(Math.fround(low + (high - low) * 0.51)) !== high) wrong.push(`below ${high}`);
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});

describe("i8", () => {
  it("gives every row its own scale of 127 steps", () => {
    const rounded = roundedTo("i8", Float32Array.of(127, 1.4, -0.6, 0.0127, 0.00014, 0, 0, 0, 0), 3);
    expect([...rounded.slice(0, 3)]).toEqual([127, 1, -1]);
    expect(rounded[4]).toBeCloseTo(0.0001, 9);
    expect([...rounded.slice(6)]).toEqual([0, 0, 0]);
  });
});

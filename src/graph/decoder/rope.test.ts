/** Goal: rope frequencies follow the published formulas. Method: values worked out from the papers' definitions, limits and monotony. */
import { expect, test } from "vitest";
import { ropeSpec, yarnAttentionFactor } from "./rope.ts";

const shape = { theta: 500000, headDim: 128, interleaved: false };

test("plain and linear", () => {
  const plain = ropeSpec(shape, { kind: "none" }).frequencies;
  expect(plain).toHaveLength(64);
  expect(plain[32]).toBeCloseTo(500000 ** -0.5, 12);
  const linear = ropeSpec(shape, { kind: "linear", factor: 4 }).frequencies;
  expect(linear.map((frequency) => frequency * 4)).toEqual(plain);
});

test("llama 3 keeps short wavelengths, divides long ones and blends between", () => {
  const plain = ropeSpec(shape, { kind: "none" }).frequencies;
  const scaling = { kind: "llama3", factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192 } as const;
  const scaled = ropeSpec(shape, scaling).frequencies;
  const ratios = plain.map((frequency, i) => frequency / scaled[i]!);
  for (const [i, ratio] of ratios.entries()) {
    const wavelength = (2 * Math.PI) / plain[i]!;
    if (wavelength < 8192 / 4) expect(ratio).toBe(1);
    else if (wavelength > 8192) expect(ratio).toBeCloseTo(8, 9);
    else expect(ratio).toBeGreaterThan(1);
    if (i > 0) expect(ratio).toBeGreaterThanOrEqual(ratios[i - 1]! - 1e-9);
  }
  expect(ratios.filter((ratio) => ratio > 1.001 && ratio < 7.999).length).toBeGreaterThan(2);
});

test("YaRN's factor on attention, and none without stretching", () => {
  expect(yarnAttentionFactor(1)).toBe(1);
  expect(yarnAttentionFactor(4)).toBeCloseTo(0.1 * Math.log(4) + 1, 12);
});

// Goal: streams of runs that are longer than their page are told from those that fit. Method: streams written by hand.
import { describe, expect, it } from "vitest";
import { runsFit } from "./run-lengths.ts";

const fits = (bytes: readonly number[], values: number, bits = 1): boolean => runsFit(Uint8Array.from(bytes), { bits, values });

describe("runs of a Parquet page", () => {
  it("fit where repeats and packed groups add up to the values", () => {
    // 40 repeats; 24 repeats and two groups of eight; the last group may be padded.
    expect(fits([80, 1], 40)).toBe(true);
    expect(fits([48, 1, 5, 0xff, 0xff], 40)).toBe(true);
    expect(fits([48, 1, 5, 0xff, 0xff], 35)).toBe(true);
    // Three bytes a value of 17 bits.
    expect(fits([4, 1, 2, 3, 6, 1, 2, 3], 5, 17)).toBe(true);
  });

  it("do not where one is longer than what is left", () => {
    expect(fits([82, 1], 40)).toBe(false);
    expect(fits([48, 1, 5, 0xff, 0xff], 32)).toBe(false);
    // 2^31 - 1 repeats.
    expect(fits([0xfe, 0xff, 0xff, 0xff, 0x0f, 1], 40)).toBe(false);
    expect(fits([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 40)).toBe(false);
  });

  it("that end early are left to the reader", () => {
    expect(fits([48, 1], 40)).toBe(true);
    expect(fits([], 40)).toBe(true);
  });
});

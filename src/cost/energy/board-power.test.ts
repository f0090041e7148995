import { describe, expect, it } from "vitest";
import { A100_POWER, ASSUMED_POWER, powerShare } from "./board-power.ts";

describe("power of a board", () => {
  it("rises from idle with either utilisation, less than in proportion, and never above its figure", () => {
    expect(powerShare(A100_POWER, { memory: 0, compute: 0 })).toBe(0.17);
    const half = powerShare(A100_POWER, { memory: 0.5, compute: 0 });
    const full = powerShare(A100_POWER, { memory: 1, compute: 0 });
    expect(half).toBeGreaterThan(0.17);
    expect(full).toBeGreaterThan(half);
    expect(full - 0.17).toBeLessThan(2 * (half - 0.17));
    expect(powerShare(A100_POWER, { memory: 1, compute: 1 })).toBe(1);
  });

  // splitwise-profile, Llama-2-70B on A100-80GB, prompt 512, batch 1, 128 tokens: average power 0.736 (TP 2), 0.599 (TP 4), 0.435 (TP 8) while decoding
  // reads 138 GB of weights / TP in 54.8, 45.0 and 44.9 ms at 2,039 GB/s.
  it.each([
    [2, 54.8, 0.736],
    [4, 45.0, 0.599],
    [8, 44.9, 0.435],
  ])("meets the measured share of decodes at TP %i", (tp, ms, measured) => {
    const memory = 138e9 / tp / (ms / 1e3) / 2039e9;
    const share = powerShare(A100_POWER, { memory, compute: 0 });
    expect(Math.abs(share / measured - 1)).toBeLessThan(A100_POWER.spread);
    expect(Math.abs((0.17 + 0.74 * memory) / measured - 1)).toBeGreaterThan(A100_POWER.spread);
  });

  it("has wider bars where nothing was measured", () => {
    expect(ASSUMED_POWER.spread).toBeGreaterThan(A100_POWER.spread);
  });
});

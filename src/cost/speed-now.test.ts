// Goal: a probe is read by phase and without disturbances. Method: steps by hand.
import { describe, expect, it } from "vitest";
import { type ProbedStep, readSpeed } from "./speed-now.ts";

const steps = (kind: ProbedStep["kind"], ratio: number, count: number): ProbedStep[] =>
  Array.from({ length: count }, (_, i) => ({ kind, predictedNs: 100, measuredNs: 100 * ratio * (i % 2 === 0 ? 0.98 : 1.02) }));

describe("reading of a probe", () => {
  it("gives the mean over all steps and each phase, without disturbances", () => {
    const disturbed = [
      ...steps("decode", 1.2, 60),
      ...steps("prefill", 1.5, 20),
      { kind: "decode" as const, predictedNs: 100, measuredNs: 5000 },
    ];
    const reading = readSpeed(disturbed)!;
    expect(reading.decode).toBeCloseTo(1.2, 9);
    expect(reading.prefill).toBeCloseTo(1.5, 9);
    expect(reading.timeRatio).toBeGreaterThan(1.2);
    expect(reading.timeRatio).toBeLessThan(1.3);
    expect(readSpeed([])).toBeUndefined();
  });
});

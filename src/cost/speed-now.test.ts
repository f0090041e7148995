// Goal: a probe weighs as much as it knows. Method: readings and histories by hand.
import { describe, expect, it } from "vitest";
import { probeSpread } from "./run-spread.ts";
import { followProbe, type ProbedStep, readSpeed } from "./speed-now.ts";

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

describe("following a probe", () => {
  const reading = (timeRatio: number) => ({ timeRatio, steps: 100 });

  it("changes little where recent runs agree with one another and the probe with them", () => {
    const { factor, probeWeight, spread } = followProbe(reading(1.05), { systematic: 0.06, freedom: 9 });
    expect(probeWeight).toBeLessThan(0.35);
    expect(factor).toBeGreaterThan(1);
    expect(factor).toBeLessThan(1.02);
    expect(spread.systematic).toBe(0.06);
  });

  it("goes with the probe where earlier runs are old, and is then as sure as the probe", () => {
    const { factor, spread } = followProbe(reading(1.4), { systematic: 0.7, freedom: 5 });
    expect(factor).toBeGreaterThan(1.35);
    expect(spread).toEqual(probeSpread([]));
  });

  it("goes with the probe where it is far off what sure runs say: the machine is another", () => {
    expect(followProbe(reading(2), { systematic: 0.1, freedom: 5 }).factor).toBeGreaterThan(1.9);
    expect(followProbe(reading(0.5), { systematic: 0.1, freedom: 5 }).factor).toBeLessThan(0.53);
  });

  it("goes with earlier runs where probes proved to say little", () => {
    const { factor, spread } = followProbe(reading(1.2), { systematic: 0.08, freedom: 6 }, probeSpread([0.4, -0.5, 0.6, -0.4]));
    expect(factor).toBeLessThan(1.02);
    expect(spread.systematic).toBe(0.08);
  });
});

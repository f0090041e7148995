// Goal: live iterations teach the right factors, overheads and widths. Method: planted truth with seeded noise.
import { describe, expect, it } from "vitest";
import { ln } from "../base/math.ts";
import { type Prng, seededPrng } from "../base/prng.ts";
import { correctedNs, fitCorrection } from "./correction.ts";
import type { OverheadObservation } from "./correction-overhead.ts";
import { speedAfterProbe } from "./speed-posterior.ts";
import type { StageObservation } from "./stage-observation.ts";

const MS = 1e6;

function stageRun(prng: Prng, run: number, shift: number, { length = 200, mixed = 1 } = {}): StageObservation[] {
  return Array.from({ length }, () => {
    const predictedDecodeNs = prng.nextBelow(4) === 0 ? 0 : (8 + prng.nextBelow(20)) * MS;
    const predictedPrefillNs = predictedDecodeNs === 0 || prng.nextBelow(3) === 0 ? (20 + prng.nextBelow(80)) * MS : 0;
    const noise = 1 + (prng.nextFloat() - 0.5) * 0.1;
    const together = predictedDecodeNs > 0 && predictedPrefillNs > 0 ? mixed : 1;
    const measuredNs = (1.2 * predictedDecodeNs + 0.9 * predictedPrefillNs) * together * noise * shift;
    return { run, predictedDecodeNs, predictedPrefillNs, measuredNs };
  });
}

function overheadRun(prng: Prng, run: number): OverheadObservation[] {
  return Array.from({ length: 100 }, () => {
    const sampledRows = 1 + prng.nextBelow(8);
    return { run, sampledRows, ns: (0.4 + 0.1 * sampledRows + prng.nextFloat() * 0.02) * MS };
  });
}

describe("correction", () => {
  it("recovers planted factors and overheads", () => {
    const prng = seededPrng(5);
    const fitted = fitCorrection(stageRun(prng, 0, 1), overheadRun(prng, 0))!;
    expect(fitted.decodeFactor).toBeCloseTo(1.2, 1);
    expect(fitted.prefillFactor).toBeCloseTo(0.9, 1);
    expect(fitted.overheadNs / MS).toBeCloseTo(0.41, 1);
    expect(fitted.overheadPerSampleNs / MS).toBeCloseTo(0.1, 2);
    expect(fitted.noise).toBeGreaterThan(0.03);
    expect(fitted.noise).toBeLessThan(0.06);
  });

  it("learns apart what iterations with both kinds take, where there are enough of each", () => {
    const fitted = fitCorrection(stageRun(seededPrng(9), 0, 1, { length: 600, mixed: 1.4 }), [])!;
    expect(fitted.mixedFactor).toBeCloseTo(1.4, 1);
    expect(fitted.decodeFactor).toBeCloseTo(1.2, 1);
    expect(fitted.prefillFactor).toBeCloseTo(0.9, 1);
    expect(fitted.noise).toBeLessThan(0.06);
    const few = stageRun(seededPrng(9), 0, 1, { length: 600, mixed: 1.4 }).filter(({ predictedDecodeNs }) => predictedDecodeNs > 0);
    expect(fitCorrection(few, [])!.mixedFactor).toBe(1);
  });

  it("is not moved by a few disturbed iterations", () => {
    const prng = seededPrng(6);
    const disturbed = stageRun(prng, 0, 1).map((one, index) => (index % 25 === 0 ? { ...one, measuredNs: one.measuredNs * 8 } : one));
    expect(fitCorrection(disturbed, [])!.decodeFactor).toBeCloseTo(1.2, 1);
  });

  it("takes what differs between runs for systematic, not for noise", () => {
    const prng = seededPrng(7);
    const shifts = [0.8, 1, 1.2, 0.9, 1.1];
    const unlike = fitCorrection(
      shifts.flatMap((shift, run) => stageRun(prng, run, shift)),
      [],
    )!;
    const alike = fitCorrection(
      shifts.flatMap((_shift, run) => stageRun(prng, run, 1)),
      [],
    )!;
    expect(unlike.systematic).toBeGreaterThan(0.18);
    // Five runs that agree still leave some of the spread assumed before any run: t with 7 degrees of freedom x 0.08 x √(3/7) x √(1 + 1/5).
    expect(alike.systematic).toBeLessThan(0.12);
    expect(unlike.noise).toBeLessThan(0.08);
  });

  it("uses one factor where only one kind of iteration was seen", () => {
    const only = Array.from({ length: 50 }, () => ({ run: 0, predictedDecodeNs: 10 * MS, predictedPrefillNs: 0, measuredNs: 15 * MS }));
    const fitted = fitCorrection(only, [])!;
    expect(fitted.decodeFactor).toBeCloseTo(1.5, 9);
    expect(fitted.prefillFactor).toBe(fitted.decodeFactor);
  });

  it("learns nothing from too few", () => {
    expect(fitCorrection(stageRun(seededPrng(8), 0, 1).slice(0, 19), [])).toBeUndefined();
  });

  /** Steps of 1 to 6 rows and of chunks, half of them beside others at work; tables that are wrong at four rows. */
  function sizedRun(prng: Prng, run: number, shift: number, beside: (i: number) => number): StageObservation[] {
    return Array.from({ length: 900 }, (_, i) => {
      const decodeRows = i % 3 === 0 ? 0 : 1 + prng.nextBelow(6);
      const promptTokens = decodeRows === 0 ? 64 << prng.nextBelow(3) : 0;
      const predictedDecodeNs = decodeRows * 5 * MS;
      const predictedPrefillNs = promptTokens * 0.5 * MS;
      const besideShare = beside(i);
      const truth = (1 + 0.25 * besideShare) * (decodeRows === 4 ? 1.3 : 1) * shift * (1 + (prng.nextFloat() - 0.5) * 0.1);
      const measuredNs = (1.2 * predictedDecodeNs + 0.9 * predictedPrefillNs) * truth;
      return { run, predictedDecodeNs, predictedPrefillNs, measuredNs, decodeRows, promptTokens, besideShare };
    });
  }

  it("learns the slowdown by others at work apart from the speed alone, and what single sizes are off by", () => {
    const prng = seededPrng(12);
    const half = [0.9, 1.1].flatMap((shift, run) => sizedRun(prng, run, shift, (i) => i % 2));
    const fitted = fitCorrection(half, [], { slowdown: 1.6 })!;
    expect(fitted.besideSlowdown).toBeGreaterThan(1.2);
    expect(fitted.besideSlowdown).toBeLessThan(1.35);
    const step = (decodeRows: number) =>
      correctedNs(fitted, { predictedDecodeNs: decodeRows * 5 * MS, predictedPrefillNs: 0, decodeRows, promptTokens: 0 }) / MS;
    expect(step(2) / (1.2 * 10)).toBeCloseTo(1, 1);
    expect(step(4) / step(2) / 2).toBeCloseTo(1.3, 1);
    // Without the sizes and shares the same steps look like noise, and alone and beside others like one speed.
    const bare = fitCorrection(
      half.map(({ decodeRows: _rows, promptTokens: _tokens, besideShare: _share, ...one }) => one),
      [],
    )!;
    expect(fitted.noise).toBeLessThan(0.7 * bare.noise);
    expect(bare.decodeFactor / 1.2).toBeGreaterThan(1.1);
  });

  it("keeps the rack's slowdown where runs do not tell, and then counts it once", () => {
    const fitted = fitCorrection(
      sizedRun(seededPrng(13), 0, 1, () => 1),
      [],
      { slowdown: 1.6 },
    )!;
    expect(fitted.besideSlowdown).toBe(1.6);
    const alone = correctedNs(fitted, { predictedDecodeNs: 10 * MS, predictedPrefillNs: 0, decodeRows: 2, promptTokens: 0 });
    expect((alone * 1.6) / (1.2 * 1.25 * 10 * MS)).toBeCloseTo(1, 1);
  });

  it("goes by recent runs before old ones, and is less sure the older the last one is", () => {
    const prng = seededPrng(14);
    const runs = [0.7, 1.3].flatMap((shift, run) => stageRun(prng, run, shift));
    const equal = fitCorrection(runs, [])!;
    const recent = fitCorrection(runs, [], { ages: [7200, 30] })!;
    const old = fitCorrection(runs, [], { ages: [14_400, 7_200] })!;
    expect(equal.decodeFactor / 1.2).toBeCloseTo(0.95, 1);
    expect(recent.decodeFactor / 1.2).toBeGreaterThan(1.2);
    expect(old.systematic).toBeGreaterThan(recent.systematic + 0.1);
  });

  it("learns how far runs lie off the probes before them", () => {
    const prng = seededPrng(15);
    const shifts = [0.9, 1, 1.1, 1.2];
    const runs = shifts.flatMap((shift, run) => stageRun(prng, run, shift));
    const probes = (off: readonly number[]) => shifts.flatMap((shift, run) => stageRun(prng, run, shift * off[run]!, { length: 60 }));
    const ages = [400, 300, 200, 100];
    const following = (off: readonly number[]) => speedAfterProbe(fitCorrection(runs, [], { ages, probes: probes(off) })!.seen, ln(1.5));
    const [good, bad] = [following([1, 1, 1, 1]), following([0.7, 1.4, 0.8, 1.3])];
    expect(good.factor).toBeGreaterThan(1.35);
    expect(bad.factor).toBeLessThan(1.3);
    expect(bad.spread.systematic).toBeGreaterThan(1.5 * good.spread.systematic);
  });
});

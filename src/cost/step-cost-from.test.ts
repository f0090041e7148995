// Goal: an iteration's price comes from the best figures there are and says which. Method: a synthetic rack, with and without stage tables.
import { describe, expect, it } from "vitest";
import { smallSpec, syntheticDevice, syntheticRack } from "../../test/support/synthetic-rack.ts";
import type { StageCalibration } from "./stage-calibration.ts";
import type { CostedStage } from "./stage-pricer.ts";
import { type PricedStepCost, type StepCostInput, stepCostFrom } from "./step-cost-from.ts";

const MS = 1e6;
const rack = syntheticRack([syntheticDevice("a"), syntheticDevice("b", { cores: [1] })]);
const whole: CostedStage = {
  fromLayer: 0,
  toLayer: 30,
  device: "a",
  driver: "ort",
  threads: 1,
  prefillFormat: "int8-row",
  decodeFormat: "int4",
};
const table: StageCalibration = {
  rackFingerprint: "synthetic",
  modelFingerprint: "m",
  fromLayer: 0,
  toLayer: 30,
  driver: "ort",
  threads: 1,
  prefillFormat: "int8-row",
  decodeFormat: "int4",
  pageTokens: 64,
  decode: [1, 4, 16].flatMap((batch) =>
    [64, 512, 1024].map((context) => ({ batch, context, ns: (6 + batch * (1 + context / 1000)) * MS })),
  ),
  prefill: [1, 64, 512].flatMap((count) => [0, 512].map((context) => ({ count, context, ns: (8 + count * (0.5 + context / 5000)) * MS }))),
  mixed: [],
  sampleNs: 2 * MS,
  drawNs: 50_000,
  sealNs: 0.5 * MS,
  gatherNs: 0.4 * MS,
  moveNs: 0.3 * MS,
  noise: 0.03,
  drift: 0.04,
};

function costOf(overrides: Partial<StepCostInput> = {}): PricedStepCost {
  const made = stepCostFrom({ spec: smallSpec, modelFingerprint: "m", rack, stages: [whole], stageCalibrations: [], ...overrides });
  if (!made.ok) throw new TypeError(JSON.stringify(made.error));
  return made.value;
}
const decode = (...contexts: number[]) => ({ prefill: [], decodeContexts: contexts, sampledRows: contexts.length });

describe("step cost", () => {
  it("prices from operator tables, growing with batch, context and chunk", () => {
    const cost = costOf();
    expect(cost.stageEstimate(0, decode(256)).source).toBe("operator tables");
    expect(cost.stageNs(0, decode(256, 256))).toBeGreaterThan(cost.stageNs(0, decode(256)));
    expect(cost.stageNs(0, decode(1024))).toBeGreaterThan(cost.stageNs(0, decode(64)));
    const chunk = (count: number) => ({ prefill: [{ count, context: 0 }], decodeContexts: [], sampledRows: 0 });
    expect(cost.stageNs(0, chunk(256))).toBeGreaterThan(cost.stageNs(0, chunk(128)));
    expect(cost.stageNs(0, { ...chunk(128), sampledRows: 1 })).toBeGreaterThan(cost.stageNs(0, chunk(128)));
  });

  it("uses the measured stage where there is one, in whole pages", () => {
    const cost = costOf({ stageCalibrations: [table] });
    expect(cost.stageNs(0, decode(512, 510, 500, 490))).toBe(Math.round((6 + 4 * 1.512) * MS));
    expect(cost.stageEstimate(0, decode(512, 512, 512, 512)).basis).toBe("measured");
    expect(cost.stageEstimate(0, decode(450)).valueNs).toBe(cost.stageEstimate(0, decode(500)).valueNs);
    // A step reads the pages of all rows, whoever they belong to.
    expect(cost.stageNs(0, decode(64, 960))).toBe(cost.stageNs(0, decode(512, 512)));
    expect(cost.stageEstimate(0, decode(300)).basis).toBe("interpolated");
  });

  it("adds the head of a sampled chunk and the copies of its pages", () => {
    const cost = costOf({ stageCalibrations: [table] });
    const chunk = { prefill: [{ count: 64, context: 0 }], decodeContexts: [], sampledRows: 0 };
    expect(cost.stageNs(0, chunk)).toBe(Math.round((8 + 64 * 0.5 + 0.5) * MS));
    expect(cost.stageNs(0, { ...chunk, sampledRows: 1 }) - cost.stageNs(0, chunk)).toBe(2.3 * MS);
    expect(cost.stageNs(0, { ...chunk, gatheredPages: 3 }) - cost.stageNs(0, chunk)).toBeCloseTo(1.2 * MS, 3);
    expect(cost.stageNs(0, { ...chunk, partSeals: 2 }) - cost.stageNs(0, chunk)).toBeCloseTo(2 * 0.5 * MS, 3);
    expect(cost.stageNs(0, decode(447)) - cost.stageNs(0, decode(446))).toBe(0.5 * MS);
  });

  it("prices a chunk beside decoding rows by what the two take together", () => {
    // Alone, 4 rows of one page take 10.256 ms and a chunk of 64 takes 40 ms; together 3 ms less, of 16 rows 5 ms less.
    const mixed = [4, 16].flatMap((rows) =>
      [64, 512].map((count) => ({ rows, count, ns: (6 + rows * 1.064 + 8 + count * 0.5 - (rows === 4 ? 3 : 5)) * MS })),
    );
    const apart = costOf({ stageCalibrations: [table] });
    const together = costOf({ stageCalibrations: [{ ...table, mixed }] });
    const shape = (rows: number, ...counts: number[]) => ({
      prefill: counts.map((count) => ({ count, context: 0 })),
      decodeContexts: new Array<number>(rows).fill(50),
      sampledRows: rows,
    });
    const saved = (...of: [number, ...number[]]) => (apart.stageNs(0, shape(...of)) - together.stageNs(0, shape(...of))) / MS;
    expect(saved(4, 64)).toBeCloseTo(3, 6);
    expect(saved(10, 200)).toBeCloseTo(4, 6);
    // Beyond what was measured no more is saved; a second chunk runs apart; without decoding rows nothing is shared.
    expect(saved(40, 200)).toBeCloseTo(5, 6);
    expect(saved(4, 64, 64)).toBeCloseTo(3, 6);
    expect(saved(0, 64)).toBe(0);
    // No more than a run of one row, 7.064 ms, whatever was measured.
    const impossible = costOf({ stageCalibrations: [{ ...table, mixed: mixed.map((point) => ({ ...point, ns: MS })) }] });
    expect((apart.stageNs(0, shape(4, 64)) - impossible.stageNs(0, shape(4, 64))) / MS).toBeCloseTo(7.064, 6);
  });

  it("says when it extrapolates, and widens", () => {
    const cost = costOf({ stageCalibrations: [table] });
    const inside = cost.stageEstimate(0, decode(1000));
    const outside = cost.stageEstimate(0, decode(4000));
    expect(outside.basis).toBe("extrapolated");
    expect(outside.highNs / outside.valueNs).toBeGreaterThan(inside.highNs / inside.valueNs);
  });

  it("scales the measured stage to other layers", () => {
    const half = { ...whole, toLayer: 15 };
    const cost = costOf({ stages: [half], stageCalibrations: [table] });
    const full = costOf({ stageCalibrations: [table] });
    const share = cost.stageNs(0, decode(256)) / full.stageNs(0, decode(256));
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.55);
    expect(cost.stageEstimate(0, decode(512, 512, 512, 512)).basis).toBe("interpolated");
    expect(cost.sources[0]).toContain("scaled");
  });

  it("ignores calibrations of another model, rack, driver or width", () => {
    for (const other of [{ modelFingerprint: "x" }, { rackFingerprint: "x" }, { driver: "ort-wasm" }, { threads: 2 }]) {
      expect(costOf({ stageCalibrations: [{ ...table, ...other }] }).sources[0]).toBe("operator tables");
    }
  });

  it("takes each part from a stage measured in that part's format, and sets the tables right for the other", () => {
    const plain = costOf();
    const cost = costOf({ stageCalibrations: [{ ...table, decodeFormat: "f32" }] });
    const chunk = { prefill: [{ count: 64, context: 0 }], decodeContexts: [], sampledRows: 0 };
    expect(cost.stageNs(0, chunk)).toBe(Math.round((8 + 64 * 0.5 + 0.5) * MS));
    expect(cost.stageNs(0, decode(256))).not.toBe(plain.stageNs(0, decode(256)));
    expect(cost.sources[0]).toContain("set right");
  });

  it("prices hand-overs from links and overheads from live runs", () => {
    const stages = [
      { ...whole, toLayer: 10 },
      { ...whole, fromLayer: 10, device: "b" },
    ];
    const correction = {
      decodeFactor: 1.5,
      mixedFactor: 1,
      prefillFactor: 1,
      overheadNs: 300_000,
      overheadPerSampleNs: 100_000,
      systematic: 0.07,
      noise: 0.02,
      freedom: 4,
      lasting: { share: 0.4, kept: 0.9 },
      observations: 100,
      runs: 2,
      seen: [],
    };
    const cost = costOf({ stages, stageCalibrations: [table], correction });
    expect(cost.handOverNs(0, 100)).toBe(Math.round(50_000 + (100 * 576 * 4) / 100));
    expect(cost.handOverNs(1, 3)).toBe(600_000);
    expect(cost.spread).toEqual({ systematic: 0.07, noise: 0.02, freedom: 4, lasting: { share: 0.4, kept: 0.9 } });
    const plain = costOf({ stages, stageCalibrations: [table] });
    expect(cost.stageNs(0, decode(256)) / plain.stageNs(0, decode(256))).toBeCloseTo(1.5, 6);
    const step = cost.stepEstimate(decode(256));
    expect(step.valueNs).toBeCloseTo(cost.stageNs(0, decode(256)) + cost.stageNs(1, decode(256)) + cost.handOverNs(0, 1) + 400_000, -1);
  });

  it("names what is missing instead of guessing", () => {
    const bare = syntheticRack([syntheticDevice("a"), { id: "b", kind: "cpu", driver: "ort", threads: 1, cores: [1], memory: "dram" }]);
    const input = { spec: smallSpec, modelFingerprint: "m", rack: bare, stageCalibrations: [] };
    expect(stepCostFrom({ ...input, stages: [{ ...whole, device: "b" }] })).toEqual({
      ok: false,
      error: { code: "no-basis", device: "b", missing: "calibration" },
    });
    const unlinked = { ...bare, links: [] };
    const stages = [
      { ...whole, toLayer: 10 },
      { ...whole, fromLayer: 10 },
    ];
    expect(stepCostFrom({ ...input, rack: unlinked, stages })).toEqual({
      ok: false,
      error: { code: "no-basis", device: "a", missing: "links" },
    });
  });
});

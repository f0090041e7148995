/**
 * Goal: predictions of served models stay near the measured ones, are scored as stated, and a fault in what they are made of shows.
 * Method: made-up points for the scores; with the shared data a few of its rows, once as they are and once with operators twice as slow.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { must } from "../../base/assert.ts";
import { readSilicon } from "../../cost/accuracy/silicon/read-silicon.ts";
import type { SiliconRow } from "../../cost/accuracy/silicon/silicon-row.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import { physicsModel } from "../../cost/operator/physics/physics-model.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { siliconAccuracy, siliconDecisions } from "./silicon-accuracy.ts";
import { evaluateDecodeSides } from "./silicon-disaggregated.ts";
import { evaluateSilicon, type SiliconPoint } from "./silicon-evaluation.ts";
import { siliconCase } from "./silicon-prediction.ts";

const ROW: SiliconRow = {
  id: "a",
  source: "2026-04-06.csv",
  engine: "trtllm",
  version: "1",
  measured: "2026-01-01",
  label: "meta-llama/Llama-3.1-70B",
  model: "Llama-3.1-70B",
  device: "h200-sxm",
  system: "h200_sxm",
  products: "fp8",
  experts: "fp8",
  mode: "agg",
  promptTokens: 1024,
  outputTokens: 1024,
  clients: 16,
  whole: { batch: 16, workers: 1, tensor: 4, pipeline: 1, data: 1, expertTensor: 4, expert: 1 },
  ttftMs: 100,
  tpotMs: 10,
};

function point(changes: Partial<SiliconPoint> & { readonly id?: string; readonly tpotMs?: number }): SiliconPoint {
  const { id = "a", tpotMs = 10, ...others } = changes;
  return {
    row: { ...ROW, id, tpotMs },
    group: "g",
    fold: 0,
    devices: 4,
    clients: 16,
    knowledge: "stated",
    predictedTpotMs: 11,
    predictedTtftMs: 90,
    promptShare: 0,
    ...others,
  };
}

describe("scores", () => {
  const points = [
    ...[8, 10, 12, 14].map((predictedTpotMs, index) => point({ id: `a${index}`, tpotMs: [10, 10, 10, 10][index]!, predictedTpotMs })),
    point({ knowledge: "setting not named", predictedTpotMs: 30 }),
    point({ knowledge: "format assumed", predictedTpotMs: 20, fold: 1, group: "h" }),
  ];
  const rows = siliconAccuracy({ points, excluded: { "no batch size": 3 }, aggregated: 9 }, "tpot");
  test("count what the file states, and set apart what it does not", () => {
    expect(rows[0]).toMatchObject({ family: "closed-loop tpot", points: 4, excluded: { "no batch size": 3 } });
    expect(rows[0]!.meanError).toBeCloseTo(0.2, 12);
    expect(rows[0]!.signedMean).toBeCloseTo(0.1, 12);
    expect(rows.map(({ family, points: count }) => `${family} ${count}`)).toContain("closed-loop tpot, setting not named 1");
  });
  test("an interval comes from other folds alone", () => {
    // The one point of another fold is predicted twice as slow as it was: all of fold 0 but the one predicted too fast lie inside.
    expect(rows[0]).toMatchObject({ points: 4, coverage: 0.75 });
    expect(rows[0]!.medianHalfWidth).toBeCloseTo(Math.SQRT2 - 1, 9);
    expect(rows.find(({ family }) => family.endsWith("format assumed"))!.coverage).toBe(0);
  });
});

describe("rows", () => {
  test("with more KV in flight than memory holds are impossible", () => {
    expect(siliconCase(ROW)).toMatchObject({ clients: 16, stated: true });
    expect(siliconCase({ ...ROW, clients: 4000, promptTokens: 15000 })).toMatchObject({
      excluded: expect.stringContaining("more KV in flight"),
    });
  });
  test("without batch sizes are counted, not predicted", () => {
    const { whole: _unused, ...bare } = ROW;
    expect(evaluateSilicon([bare])).toEqual({ points: [], excluded: { "no batch size": 1 }, aggregated: 1 });
    expect(evaluateDecodeSides([{ ...bare, mode: "disagg" }])).toEqual({ points: [], excluded: { "no batch size": 1 }, aggregated: 1 });
  });
  test("of a decode side are predicted without prompts", () => {
    const { points } = evaluateDecodeSides([{ ...ROW, mode: "disagg", decode: must(ROW.whole, "side") }]);
    const whole = evaluateSilicon([ROW]).points[0]!;
    expect(points[0]!.predictedTpotMs).toBeGreaterThan(1);
    expect(points[0]!.predictedTpotMs).toBeLessThan(whole.predictedTpotMs);
  });
});

const SHARED = "../shared/data/aiconfigurator-silicon/silicon_sample.csv";
const STRIDE = 90;

function slower(sheet: DeviceSheet): OperatorModel {
  const model = physicsModel(sheet);
  return {
    source: model.source,
    price: (query) => {
      const priced = model.price(query);
      return priced.ok ? { ok: true, value: { ...priced.value, ns: 2 * priced.value.ns } } : priced;
    },
  };
}

describe.skipIf(!existsSync(SHARED))("a few of the public sample", () => {
  const rows = existsSync(SHARED) ? readSilicon(readFileSync(SHARED, "utf8")).rows : [];
  it("is met within 25 % of TPOT and 45 % of TTFT (medians), in order, and not with operators twice as slow", () => {
    const found = evaluateSilicon(rows, { stride: STRIDE });
    expect(siliconAccuracy(found, "tpot")[0]!.medianError).toBeLessThan(0.25);
    expect(siliconAccuracy(found, "ttft")[0]!.medianError).toBeLessThan(0.45);
    expect(siliconDecisions(found).rankCorrelation).toBeGreaterThan(0.8);
    const wrong = evaluateSilicon(rows, { stride: STRIDE, operators: slower });
    expect(siliconAccuracy(wrong, "tpot")[0]!.medianError).toBeGreaterThan(0.4);
  }, 120_000);
});

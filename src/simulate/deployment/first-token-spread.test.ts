/**
 * Goal: intervals of a deployment's times are those of the accuracy page's scheme: iterations as wide as TPOT was off, first tokens as TTFT was off besides.
 * Method: the stored table and one with a planted fault, on a small deployment; runs with and without it.
 */
import { describe, expect, it, test } from "vitest";
import { must } from "../../base/assert.ts";
import { engineProperties, engineSpread } from "../../cost/iteration/engines/engine-of.ts";
import { iterationInterval, servedInterval, widerSide } from "../../cost/iteration/engines/served-interval.ts";
import { SERVED_INTERVALS } from "../../cost/iteration/engines/served-intervals.ts";
import type { ServedIntervals } from "../../cost/iteration/engines/served-properties.ts";
import { SERVED_PROPERTIES, servedKey } from "../../cost/iteration/engines/served-properties.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { DEVICE_SHEETS, deviceSheet } from "../../rack/catalog/catalog.ts";
import type { RequestColumns } from "../serving/serving-input.ts";
import { deploymentFigures, deploymentRuns } from "./deployment-ensemble.ts";
import type { DeploymentRun } from "./deployment-run.ts";
import { firstTokenFactor } from "./first-token-spread.ts";
import { pricePool } from "./price-pool.ts";

const MODEL = "Llama-3.1-8B";
const COUNT = 24;

function run(engine: string, device: string, promptTokens: number): DeploymentRun {
  const text = { version: 1, model: MODEL, pools: [{ device, engine: { name: engine } }] };
  const { deployment } = readDeployment(JSON.stringify(text));
  const architecture = must(knownArchitecture(MODEL), MODEL);
  const priced = pricePool(deployment.pools[0]!, 0, { architecture, sheet: deviceSheet(device) });
  if (!priced.ok) throw new Error(priced.error.code);
  const requests: RequestColumns = {
    count: COUNT,
    arrivalNs: Float64Array.from({ length: COUNT }, (_unused, index) => index * 1e8),
    promptTokens: new Int32Array(COUNT).fill(promptTokens),
    outputTokens: new Int32Array(COUNT).fill(20),
    blockStart: new Int32Array(COUNT + 1),
    blockIds: new Int32Array(0),
    blockTokens: 16,
  };
  return { deployment, architecture, pools: [priced.value], requests };
}

const OF = { ...engineProperties("vllm", deviceSheet("h100-sxm"), false), longPrompts: false };

/** The stored tables with the TTFT of every kind off by other factors. */
function planted(high: number): typeof SERVED_INTERVALS {
  const { properties, intervals } = SERVED_INTERVALS.ttft;
  const ttft: ServedIntervals = {
    properties,
    intervals: Object.fromEntries(Object.keys(intervals).map((key) => [key, { low: -3, high }])),
  };
  return { ...SERVED_INTERVALS, ttft };
}

describe("a deployment", () => {
  it("has iterations as uncertain as TPOT of the scheme's kind", () => {
    const spread = widerSide(iterationInterval(OF));
    expect(run("vllm", "h100-sxm", 500).pools[0]!.cost.spread).toBe(spread);
    expect(engineSpread({ engine: "vllm", sheet: deviceSheet("h100-sxm"), mixture: false }, 0.2)).toBe(spread);
  });
  it("has first tokens as uncertain as TTFT of the scheme's kind at the ends of the interval, iterations and all", () => {
    const made = run("vllm", "h100-sxm", 500);
    const { low, high } = servedInterval("ttft", OF);
    const { spread } = made.pools[0]!.cost;
    expect(firstTokenFactor(made, 0.95) * (1 + spread)).toBeCloseTo(Math.max(1 + spread, Math.exp(high)), 6);
    expect(firstTokenFactor(made, 0.05) / (1 + spread)).toBeCloseTo(Math.min(1 / (1 + spread), Math.exp(low)), 6);
    expect(firstTokenFactor(made, 0.5)).toBeCloseTo(1, 9);
    expect(firstTokenFactor(made, 0.95, planted(2)) * (1 + spread)).toBeCloseTo(Math.exp(2), 6);
    expect(firstTokenFactor(made, 0.95, planted(2.5))).not.toBeCloseTo(firstTokenFactor(made, 0.95), 1);
  });
  it("of heddle's own engine, and one whose pools only decode, have nothing besides", () => {
    expect(firstTokenFactor(run("heddle", "h100-sxm", 500), 0.95, planted(2))).toBe(1);
    const made = run("vllm", "h100-sxm", 500);
    const decoding = { ...made, pools: made.pools.map((one) => ({ ...one, pool: { ...one.pool, role: "decode" as const } })) };
    expect(firstTokenFactor(decoding, 0.95, planted(2))).toBe(1);
  });
  it("prints them: bars of TTFT reach as far, those of TPOT do not", () => {
    const made = run("vllm", "h100-sxm", 500);
    const runs = [...deploymentRuns(made, { runs: 21, seed: 3 })];
    const { ttft, tpot, e2e } = deploymentFigures(runs.map(({ figures }) => figures));
    expect(runs[0]!.firstToken).toBe(1);
    const high = Math.max(1 + made.pools[0]!.cost.spread, Math.exp(servedInterval("ttft", OF).high));
    expect(ttft.mean.high / ttft.mean.value).toBeGreaterThan(0.85 * high);
    expect(ttft.mean.high / ttft.mean.value).toBeLessThan(1.3 * high);
    expect(tpot.mean.high / tpot.mean.value).toBeLessThan(1.1 * (1 + made.pools[0]!.cost.spread));
    // Without the factor the bar would be that of the iterations alone.
    const without = runs.map(({ figures, firstToken }) => figures.ttft.mean / firstToken);
    expect(Math.max(...without)).toBeLessThan(ttft.mean.high);
    expect(e2e.mean.value).toBeCloseTo(ttft.mean.value + 19 * tpot.mean.value, -3);
  });
});

test("the stored tables have a line for every engine, device and kind of model that a deployment may name", () => {
  for (const { properties, intervals } of Object.values(SERVED_INTERVALS)) {
    for (const property of properties) expect(SERVED_PROPERTIES).toContain(property);
    for (const engine of ["vllm", "sglang", "trtllm", "heddle"] as const) {
      for (const sheet of [...DEVICE_SHEETS, { ...DEVICE_SHEETS[0]!, id: "a device of one's own" }]) {
        for (const flags of [0, 1, 2, 3]) {
          const of = { ...engineProperties(engine, sheet, flags % 2 === 1), longPrompts: flags >= 2 };
          for (const promptShare of ["few", "some", "many"] as const) {
            const key = servedKey({ ...of, promptShare }, properties);
            expect(intervals[key]!.low, key).toBeLessThan(0);
            expect(intervals[key]!.high, key).toBeGreaterThan(0);
          }
        }
      }
    }
  }
});

test("an iteration's interval holds those of short and of long prompts, of few and of many", () => {
  const kind = engineProperties("vllm", deviceSheet("h100-sxm"), false);
  const of = (longPrompts: boolean): string => servedKey({ ...kind, longPrompts, promptShare: "few" }, ["engine", "longPrompts"]);
  const tpot: ServedIntervals = {
    properties: ["engine", "longPrompts"],
    intervals: { [of(false)]: { low: -1, high: 2 }, [of(true)]: { low: -3, high: 1 } },
  };
  expect(iterationInterval(kind, { ...SERVED_INTERVALS, tpot })).toEqual({ low: -3, high: 2 });
  const shares = { few: { low: -2, high: 1 }, some: { low: -1, high: 2 }, many: { low: -1, high: 3 } };
  const byShare = { properties: ["promptShare"], intervals: shares } as const;
  expect(iterationInterval(kind, { ...SERVED_INTERVALS, tpot: byShare })).toEqual({ low: -2, high: 3 });
});

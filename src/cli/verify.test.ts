// Goal: one arrival list runs live and simulated and is compared fairly. Method: planted records for the comparison; a tiny model for the whole way.
import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { tinyLive } from "../../test/support/tiny-live.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import type { RequestRecord } from "../simulate/metrics/request-record.ts";
import { compareRecords, verificationText } from "./verify-report.ts";
import { predictedCapacity, pricedCosts, verifyPlan } from "./verify-run.ts";

const MS = 1e6;

/** Requests whose first token takes `ttft` ms and each further one `tpot` ms. */
function records(ttft: number, tpot: number): RequestRecord[] {
  return [0, 1, 2].map((request) => ({
    request,
    queuedAt: request * 1000 * MS,
    promptTokens: 100,
    firstTokenAt: (request * 1000 + ttft) * MS,
    lastTokenAt: (request * 1000 + ttft + 9 * tpot) * MS,
    tokens: 10,
    cachedTokens: 0,
    end: "length",
  }));
}

describe("comparison", () => {
  it("gives errors relative to the live run, and whether the bar holds it", () => {
    const runs = [0.8, 0.9, 1, 1.1, 1.2].map((factor) => records(100 * factor, 10 * factor));
    const { figures } = compareRecords(runs, records(110, 20));
    const ttft = figures.find((figure) => figure.metric === "TTFT" && figure.statistic === "p50")!;
    expect(ttft.error).toBeCloseTo(100 / 110 - 1, 6);
    expect(ttft.covered).toBe(true);
    // Five runs: the bar is their whole range.
    expect(ttft.halfWidth).toBeCloseTo(0.2, 6);
    const tpot = figures.find((figure) => figure.metric === "TPOT" && figure.statistic === "p90")!;
    expect([tpot.covered, tpot.liveNs]).toEqual([false, 20 * MS]);
    expect(tpot.error).toBeCloseTo(-0.5, 6);
  });

  it("counts coverage over all figures", () => {
    const same = compareRecords([records(100, 10), records(120, 12)], records(110, 11));
    expect(same.coverage).toBe(1);
    expect(compareRecords([records(100, 10), records(120, 12)], records(500, 50)).coverage).toBe(0);
  });
});

describe("verification", () => {
  it("predicts a capacity and compares a live run of a tiny model with its simulation", async () => {
    const live = tinyLive({ model: { layers: 2, contextLength: 1024 }, contextLimit: 1024 });
    const model = openDecoderModel(live.plan.model.path);
    const rack = live.costs[0]!.rack;
    const input = { plan: live.plan, model, rack, costs: live.costs };
    const capacity = predictedCapacity(input, pricedCosts(live.costs));
    expect(capacity).toBeGreaterThan(0);
    // Arrivals follow what the machine does now, which a test must not depend on: where it is so busy that none falls into the time, a longer one.
    const options = { load: 0.3, seconds: 2, seed: 3, runs: 5, signal: new AbortController().signal };
    const verification = await verifyPlan(input, options).catch(() => verifyPlan(input, { ...options, load: 1, seconds: 60 }));
    expect(verification.finished).toBe(verification.requests);
    expect(verification.comparison.figures.every((figure) => Number.isFinite(figure.error) && figure.liveNs > 0)).toBe(true);
    const { speed, observed } = verification;
    expect([speed.before!.steps > 20, speed.after!.timeRatio > 0, speed.before!.decode! > 0, speed.before!.prefill! > 0]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(verificationText(verification)).toMatch(/speed now against calibrated: [\d.]+ \(decode/);
    const { stages, overheads } = observed[0]!;
    expect(stages.length).toBeGreaterThan(0);
    expect(stages.every((one) => one.measuredNs > 0 && one.predictedDecodeNs + one.predictedPrefillNs > 0)).toBe(true);
    expect(overheads.length).toBeGreaterThan(0);
    expect(verificationText(verification)).toContain("TPOT p90");
    rmSync(live.folder, { recursive: true, force: true });
  });

  it("ends when it is interrupted", async () => {
    const live = tinyLive();
    const model = openDecoderModel(live.plan.model.path);
    const input = { plan: live.plan, model, rack: live.costs[0]!.rack, costs: live.costs };
    const options = { load: 0.5, seconds: 60, seed: 1, runs: 3, signal: AbortSignal.abort() };
    await expect(verifyPlan(input, options)).rejects.toMatchObject({ code: "interrupted" });
    rmSync(live.folder, { recursive: true, force: true });
  });
});

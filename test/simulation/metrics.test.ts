// Goal: metrics follow their definitions, and bars hold what they say. Method: a request alone against its times by hand; records by hand; an ensemble
// whose cost model errs by a known factor.
import { describe, expect, test } from "vitest";
import { NS_PER_MS, NS_PER_S } from "../../src/base/units.ts";
import { DEFAULT_POLICY } from "../../src/plan/default-policy.ts";
import { chunkedPrefill } from "../../src/policy/policies/chunked-prefill.ts";
import { pricedRouting } from "../../src/policy/policies/priced-routing.ts";
import { ensembleMetrics, ensembleRuns } from "../../src/simulate/ensemble.ts";
import { e2eNs, tpotNs, ttftNs } from "../../src/simulate/metrics/request-record.ts";
import { runMetrics } from "../../src/simulate/metrics/run-metrics.ts";
import { virtualRequests } from "../../src/simulate/plan-run.ts";
import { quietNetwork } from "../../src/simulate/run/network.ts";
import type { RunInput, VirtualRequest } from "../../src/simulate/run/run-input.ts";
import { simulatedRun } from "../../src/simulate/simulated-run.ts";
import { generateWorkload } from "../../src/simulate/workload/read-workload.ts";
import { type LinearCost, linearCost, SMALL_MODEL } from "../support/linear-cost.ts";

const LATENCY = 200_000;

function runOf(requests: readonly VirtualRequest[], cost: Partial<LinearCost> = {}, changes: Partial<RunInput> = {}): RunInput {
  const stages = cost.stages ?? 1;
  const config = {
    stages,
    workingPages: 64,
    sealedSlots: 32,
    maxSequences: 8,
    contextLimit: 1024,
    policy: DEFAULT_POLICY,
    reportIntervalNs: 100 * NS_PER_MS,
  };
  return {
    fleet: {
      replicas: [{ maxSequences: 8, stages }],
      policy: DEFAULT_POLICY,
      lookAhead: 2,
      restartDelayNs: NS_PER_S,
      restartWindowNs: NS_PER_S,
      restartsMax: 1,
      attemptsMax: 2,
    },
    replicas: [
      {
        config,
        cost: linearCost({ ...SMALL_MODEL, contextTokenNs: 0, ...cost }),
        devices: Array.from({ length: stages }, (_, i) => `device ${i}`),
        startUpNs: 0,
        stepFactor: 1,
        stepNoise: { noise: 0 },
      },
    ],
    timing: { ackDelayNs: 50 * NS_PER_MS, retransmitNs: 500 * NS_PER_MS, heartbeatNs: NS_PER_S, timeoutNs: 10 * NS_PER_S },
    routing: pricedRouting,
    batching: chunkedPrefill,
    requests,
    network: quietNetwork(LATENCY),
    faults: [],
    seed: 1,
    deadlineNs: 3600 * NS_PER_S,
    settleNs: 0,
    ...changes,
  };
}

const request = (atNs: number, promptTokens: number, maxNewTokens: number): VirtualRequest => ({
  atNs,
  promptTokens,
  maxNewTokens,
  keys: [],
  parts: [],
  priority: 0,
});

describe("one request alone", () => {
  const { launchNs, prefillTokenNs, decodeRowNs, handOverNs } = SMALL_MODEL;
  const step = launchNs + decodeRowNs + handOverNs;

  test("takes its prefill, one step a further token, and two message times", () => {
    const { records } = simulatedRun(runOf([request(NS_PER_S, 60, 10)]));
    expect(records).toHaveLength(1);
    const [record] = records;
    expect(ttftNs(record!)).toBe(launchNs + 60 * prefillTokenNs + handOverNs + 2 * LATENCY);
    expect(tpotNs(record!)).toBe(step);
    expect(e2eNs(record!)).toBe(ttftNs(record!)! + 9 * step);
    expect(record).toMatchObject({ queuedAt: NS_PER_S, promptTokens: 60, tokens: 10, cachedTokens: 0, end: "length" });
  });

  test("pays each stage and hand-over of a pipeline in turn", () => {
    const { records } = simulatedRun(runOf([request(NS_PER_S, 60, 10)], { stages: 2 }));
    expect(ttftNs(records[0]!)).toBe(launchNs + 60 * prefillTokenNs + 2 * handOverNs + 2 * LATENCY);
    expect(tpotNs(records[0]!)).toBe(step + handOverNs);
  });

  test("keeps its device busy but for hand-overs, and holds its padded pages", () => {
    const { metrics } = simulatedRun(runOf([request(NS_PER_S, 60, 10)]));
    expect(metrics.deviceUse.get("device 0")).toBeGreaterThan(0.98);
    expect(metrics.deviceUse.get("device 0")).toBeLessThan(1);
    expect(metrics.kvUse.peak).toBe(2 / 64);
    expect(metrics.tokensPerSecond).toBeCloseTo(
      10 / ((launchNs + 60 * prefillTokenNs + handOverNs + 2 * LATENCY + 9 * step) / NS_PER_S),
      6,
    );
  });
});

test("latencies are over requests that ended well, counts over all", () => {
  const done = { promptTokens: 10, cachedTokens: 5, queuedAt: 0, firstTokenAt: 100, lastTokenAt: 400, tokens: 4, end: "stop" };
  const metrics = runMetrics({
    records: [
      { ...done, request: 0 },
      { ...done, request: 1, queuedAt: 50, tokens: 1, lastTokenAt: 100 },
      { request: 2, queuedAt: 60, promptTokens: 7, tokens: 0, cachedTokens: 0, end: "queue-full" },
      { request: 3, queuedAt: 60, promptTokens: 7, tokens: 0, cachedTokens: 0, end: "cancelled" },
    ],
    unfinished: 2,
    kvUse: () => ({ mean: 0.25, peak: 0.5 }),
    deviceBusyNs: new Map([["d", 100]]),
  });
  expect(metrics.ttft.mean).toBe(75);
  expect(metrics.tpot.mean).toBe(100);
  expect(metrics.cachedShare).toBe(0.5);
  expect(metrics.deviceUse.get("d")).toBe(0.25);
  expect(metrics.requests).toEqual({ all: 6, finished: 2, cancelled: 1, failed: 1, unfinished: 2 });
});

describe("an ensemble", () => {
  const workload = generateWorkload("poisson:rate=2,prompt=50-200,output=20-60,seconds=20,seed=3");
  const input = runOf(virtualRequests(workload, false), { spread: { systematic: 0.2, noise: 0.1 } });
  const runs = [...ensembleRuns(input, { runs: 20, seed: 1 })];
  const { tpot } = ensembleMetrics(runs.map((run) => run.metrics));
  const exact = simulatedRun(input).metrics.tpot.mean;

  test("has bars about as wide as the systematic error, around the run without error", () => {
    expect(tpot.mean.low).toBeLessThan(exact);
    expect(tpot.mean.high).toBeGreaterThan(exact);
    expect(tpot.mean.high / tpot.mean.low).toBeGreaterThan(1.2);
    expect(tpot.mean.value / exact).toBeCloseTo(1, 1);
  });

  test("covers machines that err within the stated interval nine times in ten", () => {
    // Machines slower or faster by factors spread over the central 98 % of the stated error.
    const factors = Array.from({ length: 21 }, (_, i) => 1.2 ** (((i - 10) / 10) * 1.4));
    const covered = factors.filter((stepFactor) => {
      const { mean } = simulatedRun({ ...input, replicas: input.replicas.map((replica) => ({ ...replica, stepFactor })) }).metrics.tpot;
      return mean >= tpot.mean.low && mean <= tpot.mean.high;
    });
    // The central 90 % are the exponents within 1 of 1.4: 15 of 21; one to either side may fall either way.
    expect(covered.length).toBeGreaterThanOrEqual(13);
    expect(covered.length).toBeLessThanOrEqual(17);
  });

  test("repeats with its seed", () => {
    const again = [...ensembleRuns(input, { runs: 20, seed: 1 })];
    expect(again.map((run) => run.metrics)).toEqual(runs.map((run) => run.metrics));
  });
});

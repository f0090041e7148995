// Goal: a prediction follows a machine that drifts, and its bars hold what it then does. Method: seeded worlds in virtual time, in which the speed of the
// devices wanders between the runs that teach, a probe and the run that is predicted.
import { describe, expect, test } from "vitest";
import { exp, ln } from "../../src/base/math.ts";
import { mix32, type Prng, seededPrng } from "../../src/base/prng.ts";
import { NORMAL_90, normalDraw, quantile } from "../../src/base/statistics.ts";
import { NS_PER_MS, NS_PER_S } from "../../src/base/units.ts";
import { type Correction, fitCorrection } from "../../src/cost/correction.ts";
import type { RunSpread } from "../../src/cost/run-spread.ts";
import { readSpeed } from "../../src/cost/speed-now.ts";
import { speedAfterProbe } from "../../src/cost/speed-posterior.ts";
import type { StageObservation } from "../../src/cost/stage-observation.ts";
import { DEFAULT_POLICY } from "../../src/plan/default-policy.ts";
import { chunkedPrefill } from "../../src/policy/policies/chunked-prefill.ts";
import { pricedRouting } from "../../src/policy/policies/priced-routing.ts";
import { barOf } from "../../src/simulate/bar.ts";
import { ensembleRuns } from "../../src/simulate/ensemble.ts";
import { tpotNs, ttftNs } from "../../src/simulate/metrics/request-record.ts";
import { virtualRequests } from "../../src/simulate/plan-run.ts";
import { quietNetwork } from "../../src/simulate/run/network.ts";
import type { RunInput } from "../../src/simulate/run/run-input.ts";
import { type SimulatedRun, simulatedRun } from "../../src/simulate/simulated-run.ts";
import { generateWorkload } from "../../src/simulate/workload/read-workload.ts";
import { linearCost, SMALL_MODEL } from "../support/linear-cost.ts";

const WORLDS = 40;
const RUNS = 19;
/** Seconds at which the lessons are over, and the one that is predicted begins. */
const LESSONS_S = [0, 30, 60];
const RUN_S = 660;
/** What the tables are off by, which the lessons teach. */
const TABLES_OFF = 1.4;
const NOISE = 0.1;
const WORKLOAD = generateWorkload("poisson:rate=3,prompt=50-200,output=10-30,seconds=5,seed=3");

/** ln of the machine's times at given seconds: a random walk that is off by about 27 % after ten minutes. */
function wander(prng: Prng, seconds: readonly number[]): number[] {
  let level = 0;
  let last = seconds[0]!;
  return seconds.map((at) => {
    level += Math.sqrt(1e-4 * (at - last)) * normalDraw(prng);
    last = at;
    return level;
  });
}

function observed(prng: Prng, run: number, level: number, steps: number): StageObservation[] {
  return Array.from({ length: steps }, (_, i) => {
    const [predictedDecodeNs, predictedPrefillNs] = i % 4 === 0 ? [0, 80 * NS_PER_MS] : [20 * NS_PER_MS, 0];
    const noise = exp((NOISE * normalDraw(prng)) / NORMAL_90);
    return {
      run,
      predictedDecodeNs,
      predictedPrefillNs,
      measuredNs: TABLES_OFF * exp(level) * noise * (predictedDecodeNs + predictedPrefillNs),
    };
  });
}

/** A run in which devices take `factor` times what the corrected cost model says. */
function runAt(factor: number, spread: RunSpread, seed: number): RunInput {
  const stages = 1;
  const config = {
    ...{ stages, workingPages: 64, sealedSlots: 32, maxSequences: 8, contextLimit: 1024 },
    ...{ policy: DEFAULT_POLICY, reportIntervalNs: 100 * NS_PER_MS },
  };
  const cost = linearCost({ ...SMALL_MODEL, spread: { ...spread, noise: NOISE } });
  return {
    fleet: {
      ...{ replicas: [{ maxSequences: 8, stages }], policy: DEFAULT_POLICY, lookAhead: 2 },
      ...{ restartDelayNs: NS_PER_S, restartWindowNs: NS_PER_S, restartsMax: 1, attemptsMax: 2 },
    },
    replicas: [{ config, cost, devices: ["d"], startUpNs: 0, stepFactor: factor, stepNoise: { noise: NOISE } }],
    timing: { ackDelayNs: 50 * NS_PER_MS, retransmitNs: 500 * NS_PER_MS, heartbeatNs: NS_PER_S, timeoutNs: 10 * NS_PER_S },
    routing: pricedRouting,
    batching: chunkedPrefill,
    requests: virtualRequests(WORKLOAD, false),
    network: quietNetwork(200_000),
    faults: [],
    seed,
    deadlineNs: 3600 * NS_PER_S,
    settleNs: 0,
  };
}

interface Judged {
  readonly error: number;
  readonly covered: boolean;
  readonly halfWidth: number;
}

function medians({ records }: SimulatedRun): readonly [number, number] {
  const of = (value: typeof ttftNs): number =>
    quantile(
      records.map((record) => value(record) ?? NaN),
      0.5,
    );
  return [of(ttftNs), of(tpotNs)];
}

/** Predicts the machine's run: TTFT and TPOT with their bars. */
function judge(live: readonly [number, number], prediction: { factor: number; spread: RunSpread }, seed: number): Judged[] {
  const runs = [...ensembleRuns(runAt(prediction.factor, prediction.spread, seed), { runs: RUNS, seed })].map(medians);
  return live.map((truth, metric) => {
    const bar = barOf(runs.map((run) => run[metric]!));
    return {
      error: Math.abs(bar.value / truth - 1),
      covered: truth >= bar.low && truth <= bar.high,
      halfWidth: (bar.high - bar.low) / 2 / bar.value,
    };
  });
}

/** A world's run, predicted in three ways. */
function world(seed: number): Record<"probed" | "aged" | "ageless", Judged[]> {
  const prng = seededPrng(mix32(seed));
  const levels = wander(prng, [...LESSONS_S, RUN_S - 2, RUN_S]);
  const lessons = LESSONS_S.flatMap((_at, run) => observed(prng, run, levels[run]!, 120));
  const learned = (ages: readonly number[]): Correction => fitCorrection(lessons, [], { ages })!;
  const aged = learned(LESSONS_S.map((at) => RUN_S - at));
  const ageless = learned(LESSONS_S.map(() => 0));
  const probe = observed(prng, 0, levels.at(-2)!, 100).map(({ predictedDecodeNs, predictedPrefillNs, measuredNs }) => ({
    kind: predictedPrefillNs === 0 ? ("decode" as const) : ("prefill" as const),
    predictedNs: aged.decodeFactor * predictedDecodeNs + aged.prefillFactor * predictedPrefillNs,
    measuredNs,
  }));
  // The cost model of `runAt` is the truth at level 0: what was learned is off it by this.
  const centre = (correction: Correction): number => correction.decodeFactor / TABLES_OFF;
  const followed = speedAfterProbe(aged.seen, ln(readSpeed(probe)!.timeRatio));
  const live = medians(simulatedRun(runAt(exp(levels.at(-1)!), { systematic: 0 }, seed)));
  return {
    probed: judge(live, { factor: centre(aged) * followed.factor, spread: followed.spread }, seed),
    aged: judge(live, { factor: centre(aged), spread: aged }, seed),
    ageless: judge(live, { factor: centre(ageless), spread: ageless }, seed),
  };
}

describe("a machine that drifts between lessons and the run", () => {
  const worlds = Array.from({ length: WORLDS }, (_, seed) => world(seed + 1));
  const of = (way: "probed" | "aged" | "ageless"): Judged[] => worlds.flatMap((one) => one[way]);
  const middle = (way: "probed" | "aged" | "ageless", key: "error" | "halfWidth"): number =>
    quantile(
      of(way).map((one) => one[key]),
      0.5,
    );
  const coverage = (way: "probed" | "aged" | "ageless"): number => of(way).filter(({ covered }) => covered).length / of(way).length;

  test("is predicted by a probe at a fraction of the error that old lessons leave", () => {
    expect(middle("aged", "error")).toBeGreaterThan(0.15);
    expect(middle("probed", "error")).toBeLessThan(0.5 * middle("aged", "error"));
  });

  test("is held by bars that know how old lessons are, not by those that do not, and by narrower ones after a probe", () => {
    expect(coverage("ageless")).toBeLessThan(0.75);
    expect(coverage("aged")).toBeGreaterThan(0.8);
    expect(coverage("probed")).toBeGreaterThan(0.8);
    expect(middle("probed", "halfWidth")).toBeLessThan(0.7 * middle("aged", "halfWidth"));
  });
});

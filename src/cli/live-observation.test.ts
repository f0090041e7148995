// Goal: what ledgers of hosts with clocks of their own show is what happened, and a correction learned from a run predicts that very run. Method: ledgers
// of simulated runs whose devices slow one another down, a host's clock shifted.
import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fastCore, syntheticCalibration, syntheticDevice, syntheticRack } from "../../test/support/synthetic-rack.ts";
import { tinyLive } from "../../test/support/tiny-live.ts";
import { must } from "../base/assert.ts";
import { mean, quantile } from "../base/statistics.ts";
import { correctedNs } from "../cost/correction.ts";
import type { StepCostInput } from "../cost/step-cost-from.ts";
import type { Ledger, LedgerHeader } from "../engine/ledger.ts";
import { readLedger } from "../engine/ledger-reader.ts";
import { createLedgerWriter } from "../engine/ledger-writer.ts";
import type { ReplayEngine } from "../engine/replay.ts";
import { engineOfLedger } from "../engine/replay-engine.ts";
import { correctionOf } from "../execute/calibrate/calibration-store.ts";
import { createRunRecorder, type RunRecord } from "../simulate/check/replay-checker.ts";
import { tpotNs, ttftNs } from "../simulate/metrics/request-record.ts";
import { planRunInput } from "../simulate/plan-run.ts";
import { simulatedRun } from "../simulate/simulated-run.ts";
import { poissonRequests } from "../simulate/workload/poisson.ts";
import { observeRequests } from "./live-observation.ts";
import type { TrialLedgers } from "./trial-ledgers.ts";
import { pricedCosts } from "./verify-run.ts";

const SLOWDOWN = 1.5;
const SHIFT_NS = 3_000_000_000;

/** Two replicas of a tiny model on two cores of one memory. */
const live = tinyLive({ model: { layers: 2, contextLength: 1024 }, replicas: 2 });
rmSync(live.folder, { recursive: true, force: true });
const calibration = { ...syntheticCalibration(fastCore), concurrentSlowdown: SLOWDOWN };
const rack = syntheticRack([0, 1].map((core) => syntheticDevice(`cpu-${core}`, { cores: [core], calibration })));
const replicas = live.plan.replicas.map((replica, id) => ({
  ...replica,
  stages: replica.stages.map((stage) => ({ ...stage, device: `cpu-${id}` })),
}));
const plan = { ...live.plan, replicas };
const inputs: readonly StepCostInput[] = replicas.map(({ stages }) => ({ ...live.costs[0]!, rack, stages }));
const costs = pricedCosts(inputs);
// So many that replicas work together for a part of the time.
const requests = poissonRequests({ rate: 200, prompt: { least: 50, most: 500 }, output: { least: 20, most: 60 }, seconds: 0.4, seed: 4 });
const workload = { source: "test", requests };
const input = planRunInput(plan, { costs, rack, workload, seed: 1 });

/** A ledger as a host writes it whose clock is `shiftNs` ahead. */
function ledgerOf({ node, steps }: RunRecord, of: readonly StepCostInput[], shiftNs: number): Ledger {
  const frames: Uint8Array[] = [];
  const writer = createLedgerWriter({ write: (frame) => frames.push(frame) }, { heddle: "0", node, costs: of, tokens: "dropped" });
  let engine: ReplayEngine | undefined;
  for (const { event, now } of steps) {
    const at = now + shiftNs;
    engine ??= engineOfLedger({ node, costs: of } as LedgerHeader);
    writer.record(event, at, engine.step(event, at));
  }
  return readLedger(Uint8Array.from(frames.flatMap((frame) => [...frame])));
}

function recorded(shiftNs: number): TrialLedgers {
  const recorder = createRunRecorder(input);
  const watched = { ...input, watchers: [recorder.watcher] };
  simulatedRun(watched);
  const record = (name: string): RunRecord => must(recorder.records.get(name), "a record of the run");
  return {
    fleet: ledgerOf(record("fleet"), inputs, 0),
    replicas: [0, 1].map((replica) => ({ replica, ledger: ledgerOf(record(`${replica}.1`), [inputs[replica]!], replica * shiftNs) })),
  };
}

describe("observation of a live run", () => {
  const whole = { from: 0, to: requests.length };
  const observed = observeRequests(recorded(0), { plan, rack, costs }, whole);
  const ahead = recorded(SHIFT_NS);
  const shares = observed.map(({ stages }) => mean(stages.map((one) => one.besideShare!)));

  it("sees what worked beside each step, whatever the hosts' clocks say", () => {
    expect(shares[0]).toBeGreaterThan(0.1);
    expect(shares[0]).toBeLessThan(0.9);
    const shifted = observeRequests(ahead, { plan, rack, costs }, whole);
    expect(shifted.map(({ stages }) => stages.length)).toEqual(observed.map(({ stages }) => stages.length));
    shifted.forEach(({ stages }, replica) => {
      expect(mean(stages.map((one) => one.besideShare!))).toBeCloseTo(shares[replica]!, 2);
    });
  });

  it("takes the steps between two arrivals only", () => {
    const first = observeRequests(ahead, { plan, rack, costs }, { from: 0, to: 10 });
    const rest = observeRequests(ahead, { plan, rack, costs }, { from: 10, to: requests.length });
    const count = (runs: typeof first): number => runs.reduce((sum, { stages }) => sum + stages.length, 0);
    expect(count(first)).toBeGreaterThan(10);
    expect(count(first) + count(rest)).toBe(count(observed));
  });

  it("teaches a correction that predicts the same run: nothing is counted twice", () => {
    const learned = observed.map((run) => correctionOf([run], { slowdown: 1, nowMs: 0 })!);
    for (const correction of learned) {
      expect(correction.besideSlowdown!).toBeGreaterThan(1.4);
      expect(correction.besideSlowdown!).toBeLessThan(1.6);
      const step = { predictedDecodeNs: 1e6, predictedPrefillNs: 0, decodeRows: 2, promptTokens: 0 };
      expect(correctedNs(correction, step) / 1e6).toBeCloseTo(1, 1);
    }
    const middle = (records: ReturnType<typeof simulatedRun>["records"], of: typeof ttftNs): number =>
      quantile(
        records.map((record) => of(record)!),
        0.5,
      );
    const truth = simulatedRun(input).records;
    const again = (given: readonly StepCostInput[]): ReturnType<typeof simulatedRun>["records"] =>
      simulatedRun(planRunInput(plan, { costs: pricedCosts(given), rack, workload, seed: 1 })).records;
    const predicted = again(inputs.map((one, replica) => ({ ...one, correction: learned[replica]! })));
    for (const of of [ttftNs, tpotNs]) expect(middle(predicted, of) / middle(truth, of)).toBeCloseTo(1, 1);
    // Learned without what worked beside: the slowdown is in the factors, and once more in the simulation.
    const bare = observed.map((run) => ({ ...run, stages: run.stages.map(({ besideShare: _share, ...one }) => one) }));
    const twice = again(inputs.map((one, replica) => ({ ...one, correction: correctionOf([bare[replica]!], { slowdown: 1, nowMs: 0 })! })));
    expect(middle(twice, tpotNs) / middle(truth, tpotNs)).toBeGreaterThan(1.08);
  });
});

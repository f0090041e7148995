import { describe, expect, it } from "vitest";
import { DATAFLOW_POLICY_PARAMETERS } from "../../engine/dataflow/dataflow-config.ts";
import type { CandidateView } from "../dataflow-policy.ts";
import { earliestFinish } from "./earliest-finish.ts";

const TASK = { task: 0, priority: 0, gang: 1, now: 0, scheduledOn: -1, scheduledEndAt: 0 };
/** Nothing is left to try. */
const MEASURED = {
  samples: 9,
  samplesUnderWay: 0,
  basis: "measured",
  failedBefore: false,
  full: false,
  joules: 0,
  class: 0,
  variant: 0,
} as const;

function candidate(device: number, times: Partial<CandidateView>): CandidateView {
  return {
    ...MEASURED,
    device,
    deviceReadyAt: 0,
    dataReadyAt: 0,
    movedNs: 0,
    loadNs: 0,
    spentNs: 0,
    runNs: 10,
    burdenNs: 0,
    elsewhereNs: 10,
    ...times,
  };
}

function chosen(...candidates: readonly CandidateView[]): readonly number[] {
  return earliestFinish.place(TASK, { length: candidates.length, at: (i) => candidates[i]! }, DATAFLOW_POLICY_PARAMETERS);
}

describe("earliest-finish", () => {
  it("takes the device on which the task ends first", () => {
    expect(chosen(candidate(0, { deviceReadyAt: 30 }), candidate(1, { dataReadyAt: 25 }))).toEqual([1]);
    expect(chosen(candidate(0, { deviceReadyAt: 20 }), candidate(1, { dataReadyAt: 25 }))).toEqual([0]);
  });

  it("leaves a device idle that takes from others what it takes off them", () => {
    const waits = candidate(0, { deviceReadyAt: 300 });
    expect(chosen(waits, candidate(1, { runNs: 30, burdenNs: 8 }))).toEqual([1]);
    expect(chosen(waits, candidate(1, { runNs: 30, burdenNs: 9.5 }))).toEqual([0]);
    expect(chosen(candidate(1, { runNs: 30, burdenNs: Infinity }), waits)).toEqual([1]);
    // There is no other.
    expect(chosen(candidate(1, { runNs: 30, burdenNs: Infinity }))).toEqual([0]);
  });

  it("moves what another device has only where that gains more than it takes", () => {
    const there = candidate(0, { deviceReadyAt: 1_000_000 });
    expect(chosen(there, candidate(1, { dataReadyAt: 600_000, movedNs: 600_000 }))).toEqual([0]);
    expect(chosen(there, candidate(1, { dataReadyAt: 300_000, movedNs: 300_000 }))).toEqual([1]);
    // To try a device that was never tried is worth it.
    expect(chosen(candidate(0, {}), candidate(1, { samples: 0, dataReadyAt: 10, movedNs: 600_000 }))).toEqual([1]);
  });

  it("stays on the device that has run more of the kind where ends are about equal", () => {
    const used = { samples: 40, runNs: 1_000_000 };
    const other = candidate(0, { runNs: 1_000_000 });
    expect(chosen(other, candidate(1, { ...used, deviceReadyAt: 90_000 }))).toEqual([1]);
    expect(chosen(other, candidate(1, { ...used, deviceReadyAt: 120_000 }))).toEqual([0]);
    expect(chosen(candidate(0, { runNs: 80_000 }), candidate(1, { samples: 40, runNs: 120_000 }))).toEqual([1]);
    expect(chosen(candidate(0, { runNs: 80_000 }), candidate(1, { samples: 40, runNs: 190_000 }))).toEqual([0]);
    // As much used: the first.
    expect(chosen(other, candidate(1, { runNs: 1_000_000 }))).toEqual([0]);
  });

  it("keeps to the schedule of the batch as long as the task is not late there", () => {
    const scheduled = { ...TASK, scheduledOn: 1, scheduledEndAt: 40 };
    const on = (readyAt: number): readonly number[] => {
      const candidates = [candidate(0, {}), candidate(1, { deviceReadyAt: readyAt })];
      return earliestFinish.place(scheduled, { length: candidates.length, at: (i) => candidates[i]! }, DATAFLOW_POLICY_PARAMETERS);
    };
    expect(on(30)).toEqual([1]);
    // Ends one run late at most.
    expect(on(40)).toEqual([1]);
    expect(on(41)).toEqual([0]);
  });

  it("loads a stage on a second device once its runs took as long as the load", () => {
    const busy = candidate(0, { deviceReadyAt: 30 });
    expect(chosen(busy, candidate(1, { loadNs: 1000, spentNs: 0 }))).toEqual([0]);
    expect(chosen(busy, candidate(1, { loadNs: 1000, spentNs: 900 }))).toEqual([0]);
    expect(chosen(busy, candidate(1, { loadNs: 1000, spentNs: 1000 }))).toEqual([1]);
  });
});

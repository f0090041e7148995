import type { Nanoseconds } from "../base/units.ts";
import { workingPages } from "../state/lanes.ts";
import type { ReplicaCommand } from "./replica-engine-types.ts";
import { type ReplicaConfig, type ReplicaState, sequenceOf } from "./replica-state.ts";

/** Sends a load report when something changed, at most once an interval; otherwise sets the timer for the next one. */
export function reportLoad(state: ReplicaState, config: ReplicaConfig, now: Nanoseconds): ReplicaCommand[] {
  const { report } = state;
  if (!report.dirty) return [];
  if (now < report.nextAt) {
    if (report.timerSet) return [];
    report.timerSet = true;
    return [{ type: "set-timer", at: report.nextAt }];
  }
  const { sealed, evicted } = report;
  state.report = { dirty: false, nextAt: now + config.reportIntervalNs, timerSet: report.timerSet, sealed: [], evicted: [] };
  return [
    {
      type: "send",
      message: {
        type: "report",
        running: state.running.length,
        waiting: state.waiting.length,
        freePages: config.workingPages - workingPages(state.lanes),
        prefillBacklogTokens: backlog(state),
        sealed,
        evicted,
      },
    },
  ];
}

function backlog(state: ReplicaState): number {
  let tokens = 0;
  for (const request of state.sequences.keys()) {
    const { known, computed, sampled } = sequenceOf(state, request);
    if (!sampled) tokens += known - computed;
  }
  return tokens;
}

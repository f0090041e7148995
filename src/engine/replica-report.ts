import type { Nanoseconds } from "../base/units.ts";
import { workingPages } from "../state/lanes.ts";
import type { ReplicaCommand } from "./replica-engine-types.ts";
import { type ReplicaConfig, type ReplicaState, sequenceOf } from "./replica-state.ts";

/** Sends a load report when something changed, at most once an interval; otherwise sets the timer for the next one. */
export function reportLoad(state: ReplicaState, config: ReplicaConfig, given: { now: Nanoseconds; commands: ReplicaCommand[] }): void {
  const { report } = state;
  const { now, commands } = given;
  if (!report.dirty) return;
  if (now < report.nextAt) {
    if (!report.timerSet) commands.push({ type: "set-timer", at: report.nextAt });
    report.timerSet = true;
    return;
  }
  commands.push({
    type: "send",
    message: {
      type: "report",
      running: state.running.length,
      waiting: state.waiting.length,
      freePages: config.workingPages - workingPages(state.lanes),
      prefillBacklogTokens: backlog(state),
      sealed: [...report.sealed.keys()],
      evicted: [...report.evicted.keys()],
    },
  });
  report.sealed.clear();
  report.evicted.clear();
  report.dirty = false;
  report.nextAt = now + config.reportIntervalNs;
}

function backlog(state: ReplicaState): number {
  let tokens = 0;
  for (const request of state.sequences.keys()) {
    const { known, computed, sampled } = sequenceOf(state, request);
    if (!sampled) tokens += known - computed;
  }
  return tokens;
}

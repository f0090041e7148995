import type { RunWatcher } from "../../src/simulate/run/watcher.ts";
import { BLOCK_TOKENS } from "../../src/state/block.ts";

/** How often what a scenario is meant to cause did happen. */
export interface Happenings {
  finished: number;
  cancelled: number;
  stopStrings: number;
  rejected: number;
  hostLosses: number;
  taskFailures: number;
  resubmissions: number;
  preemptions: number;
  prefixHits: number;
  partHits: number;
  evictions: number;
}

export function noHappenings(): Happenings {
  return {
    finished: 0,
    cancelled: 0,
    stopStrings: 0,
    rejected: 0,
    hostLosses: 0,
    taskFailures: 0,
    resubmissions: 0,
    preemptions: 0,
    prefixHits: 0,
    partHits: 0,
    evictions: 0,
  };
}

/** Counts into `into`, from events and commands. */
export function happeningWatcher(into: Happenings): RunWatcher {
  const opened = new Set<string>();
  return {
    fleetStepped: (event, _now, commands) => {
      if (event.type === "request-stopped") into.stopStrings++;
      for (const command of commands) {
        if (command.type === "finish" && command.reason === "cancelled") into.cancelled++;
        else if (command.type === "finish") into.finished++;
        else if (command.type === "reject") into.rejected++;
        else if (command.type === "send" && command.message.type === "submit" && command.message.attempt > 0) into.resubmissions++;
      }
    },
    replicaStepped: ({ replica, incarnation }, { event, commands }) => {
      if (event.type === "task-failed") into.taskFailures++;
      for (const command of commands) {
        if (command.type === "send" && command.message.type === "report") into.evictions += command.message.evicted.length;
        if (command.type !== "start-task") continue;
        for (const { request, attempt, gather, gatherTokens } of command.step.opens) {
          const name = `${replica}.${incarnation}.${request}.${attempt}`;
          if (opened.has(name)) into.preemptions++;
          opened.add(name);
          if (gather.length > 0) into.prefixHits++;
          if (gatherTokens % BLOCK_TOKENS > 0) into.partHits++;
        }
      }
    },
    hostEnded: () => {
      into.hostLosses++;
    },
  };
}

import type { Nanoseconds } from "../../base/units.ts";
import type { ReplicaCommand, ReplicaEvent, StepTask, TaskId } from "../../engine/replica-engine-types.ts";

/**
 * The executor of one replica life whose durations come from its ledger: a task ends when it ended live, a timer fires when it fired live, but only
 * what this run has started and set can end and fire.
 */
export interface RecordedExecutor {
  /** Takes the commands of the engine. */
  take(commands: readonly ReplicaCommand[], now: Nanoseconds): void;
  /** Why an event of the ledger cannot happen in this run; undefined where it can, which is then noted. */
  refuse(event: ReplicaEvent, now: Nanoseconds): string | undefined;
}

export function createRecordedExecutor(): RecordedExecutor {
  const tasks = new Map<TaskId, StepTask>();
  const timers: Nanoseconds[] = [];
  return {
    take: (commands) => {
      for (const command of commands) {
        if (command.type === "start-task") tasks.set(command.task, command.step);
        else if (command.type === "set-timer") timers.push(command.at);
      }
    },
    refuse: (event, now) => {
      if (event.type === "timer") {
        const at = timers.shift();
        if (at === undefined) return "no timer was set";
        return now >= at ? undefined : `the timer was set to ${at} ns`;
      }
      if (event.type === "message") return undefined;
      const step = tasks.get(event.task);
      if (step === undefined) return `task ${event.task} does not run`;
      tasks.delete(event.task);
      if (event.type === "task-failed") return undefined;
      const sampled = step.rows.filter((row) => row.sample).length;
      if (event.samples.length !== sampled) return `task ${event.task} samples ${sampled} rows, not ${event.samples.length}`;
      return event.sealedKeys.length === step.seals.length
        ? undefined
        : `task ${event.task} seals ${step.seals.length} blocks, not ${event.sealedKeys.length}`;
    },
  };
}

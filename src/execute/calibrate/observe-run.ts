import type { Nanoseconds } from "../../base/units.ts";
import type { PricedStepCost } from "../../cost/step-cost-from.ts";
import type { Ledger } from "../../engine/ledger.ts";
import { replayLedger } from "../../engine/replay.ts";
import { engineOfLedger } from "../../engine/replay-engine.ts";
import type { ReplicaCommand, ReplicaEvent, StepTask, TaskId } from "../../engine/replica-engine-types.ts";
import { shapeOf } from "../../engine/step-shape.ts";
import type { ObservedRun } from "./calibration-store.ts";

interface TaskStart {
  readonly at: Nanoseconds;
  readonly step: StepTask;
  /** Tasks in flight when it started, itself included: with others in flight its waiting is no overhead. */
  readonly inFlight: number;
}

/**
 * What a replica's ledger shows of its iterations: the time of each stage beside what the tables say, and the time an iteration took beyond its
 * stages. The ledger keeps events only, so they are fed to an engine once more to learn the commands.
 */
export function observeRun(ledger: Ledger, cost: PricedStepCost): ObservedRun {
  const started = new Map<TaskId, TaskStart>();
  const observed: ObservedRun = { stages: [], overheads: [] };
  replayLedger(ledger, (header, state) => {
    const engine = engineOfLedger(header, state);
    return {
      step: (event, now) => {
        note(observed, { started, event: event as ReplicaEvent, now, cost });
        const commands = engine.step(event, now);
        for (const command of commands as readonly ReplicaCommand[]) {
          if (command.type === "start-task") started.set(command.task, { at: now, step: command.step, inFlight: started.size + 1 });
        }
        return commands;
      },
    };
  });
  return observed;
}

interface Noting {
  readonly started: Map<TaskId, TaskStart>;
  readonly event: ReplicaEvent;
  readonly now: Nanoseconds;
  readonly cost: PricedStepCost;
}

function note(observed: ObservedRun, { started, event, now, cost }: Noting): void {
  if (event.type === "task-failed") started.delete(event.task);
  if (event.type !== "task-finished") return;
  const start = started.get(event.task);
  started.delete(event.task);
  // A step without rows only closes lanes.
  if (start === undefined || start.step.rows.length === 0) return;
  const shape = shapeOf(start.step);
  event.stageNs.forEach((measuredNs, stage) => {
    const { decode, prefill } = cost.uncorrected(stage, shape);
    observed.stages.push({ predictedDecodeNs: decode.ns, predictedPrefillNs: prefill.ns, measuredNs });
  });
  const busy = event.stageNs.reduce((sum, ns) => sum + ns, 0);
  if (start.inFlight === 1 && started.size === 0) {
    observed.overheads.push({ sampledRows: shape.sampledRows, ns: Math.max(0, now - start.at - busy) });
  }
}

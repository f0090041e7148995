import type { Nanoseconds } from "../../base/units.ts";
import type { PricedStepCost } from "../../cost/step-cost-from.ts";
import type { Ledger } from "../../engine/ledger.ts";
import { replayLedger } from "../../engine/replay.ts";
import { engineOfLedger } from "../../engine/replay-engine.ts";
import type { ReplicaCommand, ReplicaEvent, StepTask, TaskId } from "../../engine/replica-engine-types.ts";
import { shapeOf } from "../../engine/step-shape.ts";

interface TaskStart {
  readonly at: Nanoseconds;
  readonly step: StepTask;
  /** Tasks in flight when it started, itself included: with others in flight its waiting is no overhead. */
  readonly inFlight: number;
}

/** One iteration of a replica as its ledger shows it. */
export interface ObservedStep {
  /** By the ledger's clock. */
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
  readonly decodeRows: number;
  readonly promptTokens: number;
  /** Time of each stage beside the two parts the tables say. Units: ns. */
  readonly stages: readonly { readonly predictedDecodeNs: number; readonly predictedPrefillNs: number; readonly measuredNs: Nanoseconds }[];
  /** Time beyond the stages, where nothing else was in flight. */
  readonly overhead?: { readonly sampledRows: number; readonly ns: Nanoseconds };
}

/**
 * What a replica's ledger shows of its iterations: the time of each stage beside what the tables say, and the time an iteration took beyond its
 * stages. The ledger keeps events only, so they are fed to an engine once more to learn the commands.
 */
export function observeRun(ledger: Ledger, cost: PricedStepCost): readonly ObservedStep[] {
  const started = new Map<TaskId, TaskStart>();
  const observed: ObservedStep[] = [];
  replayLedger(ledger, (header, state) => {
    const engine = engineOfLedger(header, state);
    return {
      step: (event, now) => {
        const step = observedStep(event as ReplicaEvent, { started, now, cost });
        if (step !== undefined) observed.push(step);
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
  readonly now: Nanoseconds;
  readonly cost: PricedStepCost;
}

function observedStep(event: ReplicaEvent, { started, now, cost }: Noting): ObservedStep | undefined {
  if (event.type === "task-failed") started.delete(event.task);
  if (event.type !== "task-finished") return undefined;
  const start = started.get(event.task);
  started.delete(event.task);
  // A step without rows only closes lanes.
  if (start === undefined || start.step.rows.length === 0) return undefined;
  const shape = shapeOf(start.step);
  const stages = event.stageNs.map((measuredNs, stage) => {
    const { decode, prefill } = cost.uncorrected(stage, shape);
    return { predictedDecodeNs: decode.ns, predictedPrefillNs: prefill.ns, measuredNs };
  });
  const busy = event.stageNs.reduce((sum, ns) => sum + ns, 0);
  const overhead = { sampledRows: shape.sampledRows, ns: Math.max(0, now - start.at - busy) };
  return {
    startNs: start.at,
    endNs: now,
    decodeRows: shape.decodeContexts.length,
    promptTokens: shape.prefill.reduce((sum, { count }) => sum + count, 0),
    stages,
    ...(start.inFlight === 1 && started.size === 0 ? { overhead } : {}),
  };
}

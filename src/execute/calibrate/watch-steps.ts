import type { Nanoseconds } from "../../base/units.ts";
import type { PricedStepCost } from "../../cost/step-cost-from.ts";
import type { StepTask, TaskId } from "../../engine/replica-engine-types.ts";
import { shapeOf } from "../../engine/step-shape.ts";

/** One iteration of a replica as it ran, by the clock of whoever watched. */
export interface ObservedStep {
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
  readonly decodeRows: number;
  readonly promptTokens: number;
  /** Time of each stage beside the two parts the tables say. Units: ns. */
  readonly stages: readonly { readonly predictedDecodeNs: number; readonly predictedPrefillNs: number; readonly measuredNs: Nanoseconds }[];
  /** Time beyond the stages, where nothing else was in flight. */
  readonly overhead?: { readonly sampledRows: number; readonly ns: Nanoseconds };
}

/** Follows the tasks of one replica: what each took beside what the tables say of it. */
export interface StepWatch {
  started(task: TaskId, step: StepTask, at: Nanoseconds): void;
  /** `undefined` for a step without rows, which only closes lanes. */
  finished(task: TaskId, stageNs: readonly Nanoseconds[], now: Nanoseconds): ObservedStep | undefined;
  failed(task: TaskId): void;
}

interface TaskStart {
  readonly at: Nanoseconds;
  readonly step: StepTask;
  /** Tasks in flight when it started, itself included: with others in flight its waiting is no overhead. */
  readonly inFlight: number;
}

export function watchSteps(cost: PricedStepCost): StepWatch {
  const tasks = new Map<TaskId, TaskStart>();
  return {
    started: (task, step, at) => void tasks.set(task, { at, step, inFlight: tasks.size + 1 }),
    failed: (task) => void tasks.delete(task),
    finished: (task, stageNs, now) => {
      const start = tasks.get(task);
      tasks.delete(task);
      if (start === undefined || start.step.rows.length === 0) return undefined;
      const shape = shapeOf(start.step);
      const stages = stageNs.map((measuredNs, stage) => {
        const { decode, prefill } = cost.uncorrected(stage, shape);
        return { predictedDecodeNs: decode.ns, predictedPrefillNs: prefill.ns, measuredNs };
      });
      const busy = stageNs.reduce((sum, ns) => sum + ns, 0);
      const overhead = { sampledRows: shape.sampledRows, ns: Math.max(0, now - start.at - busy) };
      return {
        startNs: start.at,
        endNs: now,
        decodeRows: shape.decodeContexts.length,
        promptTokens: shape.prefill.reduce((sum, { count }) => sum + count, 0),
        stages,
        ...(start.inFlight === 1 && tasks.size === 0 ? { overhead } : {}),
      };
    },
  };
}

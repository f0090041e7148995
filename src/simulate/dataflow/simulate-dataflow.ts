import { err, ok, type Result } from "../../base/result.ts";
import type { Bytes, Nanoseconds } from "../../base/units.ts";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS, type DataflowConfig } from "../../engine/dataflow/dataflow-config.ts";
import type { ClientEvent, DataflowRack, HandleId, Refusal, StageSpec, TaskSpec } from "../../engine/dataflow/dataflow-types.ts";
import { type Learned, startingState } from "../../engine/dataflow/learned-state.ts";
import type { DataflowPolicy } from "../../policy/dataflow-policy.ts";
import { earliestFinish } from "../../policy/policies/earliest-finish.ts";
import { NO_MISHAPS } from "./dataflow-mishaps.ts";
import { runDataflow } from "./dataflow-run.ts";
import { predictedTruth } from "./predicted-truth.ts";
import type { TimelineRow } from "./timeline.ts";

/** A graph to plan: tasks in the order in which they would be submitted. */
export interface DataflowProgram {
  readonly stages: readonly StageSpec[];
  /** Every handle the tasks name; with `bytes`, it has a value at home from the start. */
  readonly handles: readonly { readonly handle: HandleId; readonly bytes?: Bytes; readonly combine?: number }[];
  readonly tasks: readonly TaskSpec[];
  /** Handles whose values end up at home. */
  readonly fetched?: readonly HandleId[];
}

export interface DataflowSimulation {
  readonly makespanNs: Nanoseconds;
  readonly timeline: readonly TimelineRow[];
}

export interface SimulateDataflowOptions {
  /** What an engine has measured on this rack; absent: priors and data sheets. */
  readonly learned?: Learned;
  readonly policy?: DataflowPolicy;
  readonly config?: Partial<Pick<DataflowConfig, "limits" | "policy">>;
}

/**
 * Runs a program in virtual time with the engine and policy that would run it live; everything takes what is predicted of it.
 *
 * Errors: the engine's refusal of the program.
 */
export function simulateDataflow(
  rack: DataflowRack,
  program: DataflowProgram,
  options: SimulateDataflowOptions = {},
): Result<DataflowSimulation, Refusal> {
  const { learned, policy = earliestFinish } = options;
  // A prediction explores nothing: there is nothing to be learned from it.
  const parameters = { ...DATAFLOW_POLICY_PARAMETERS, ...options.config?.policy, exploreSamples: 0 };
  const limits = { ...DATAFLOW_LIMITS, pendingMax: Math.max(DATAFLOW_LIMITS.pendingMax, program.tasks.length), ...options.config?.limits };
  const config: DataflowConfig = { rack, limits, policy: parameters };
  const from = startingState(config, learned);
  const script = eventsOf(program).map((event) => ({ at: 0, event }));
  const { steps, timeline, endNs } = runDataflow({ config, policy, truth: predictedTruth(from), mishaps: NO_MISHAPS, script, from });
  for (const { commands } of steps) for (const command of commands) if (command.type === "rejected") return err(command.refusal);
  return ok({ makespanNs: endNs, timeline });
}

function eventsOf({ stages, handles, tasks, fetched = [] }: DataflowProgram): ClientEvent[] {
  return [
    ...stages.map((stage): ClientEvent => ({ type: "stage-declared", stage })),
    ...handles.flatMap(({ handle, bytes, combine }): ClientEvent[] => [
      { type: "handle-declared", handle, ...(combine === undefined ? {} : { combine }) },
      ...(bytes === undefined ? [] : [{ type: "put", handle, bytes } as const]),
    ]),
    ...(tasks.length === 0 ? [] : [{ type: "submitted", first: 0, tasks } as const]),
    ...fetched.map((handle, fetch): ClientEvent => ({ type: "fetch", fetch, handle })),
    ...handles.map(({ handle }): ClientEvent => ({ type: "handle-released", handle })),
  ];
}

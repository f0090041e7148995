import { HeddleError } from "../base/heddle-error.ts";
import { checkVariant } from "./check-variant.ts";
import type { GraphPlan } from "./graph-plan.ts";
import { stageReports } from "./graph-plan.ts";
import { hostTask } from "./host-task.ts";
import { planFor } from "./plan-for-run.ts";
import type { RackRecords } from "./rack-records.ts";
import { rackReport } from "./rack-report.ts";
import { createState, rackState, type StateRecord } from "./rack-states.ts";
import { startRun } from "./run-handle.ts";
import type { Inputs, OpenRack, RackState, RunHandle, RunnableGraph, RunOptions } from "./sdk-types.ts";
import { inOrder, type Session } from "./session.ts";
import { streamRuns } from "./stream-runs.ts";

export interface RackParts {
  readonly records: RackRecords;
  readonly now: () => number;
  readonly closeAll: () => Promise<void>;
}

/** The calls of an open rack. */
export function rackCalls(session: Session, { records, now, closeAll }: RackParts): OpenRack {
  const states = new WeakMap<RackState, StateRecord>();
  const submit = (graph: RunnableGraph, inputs: Inputs, options: RunOptions = {}): RunHandle => {
    const state = options.state === undefined ? undefined : states.get(options.state);
    return startRun(session, { graph, inputs, state }, options, now());
  };
  const planned = (graph: RunnableGraph, pins: RunOptions["pin"] = {}): Promise<GraphPlan> =>
    inOrder(session, () => planFor(session, graph, { pins, given: {} }));
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      session.closed = true;
      session.executor.close();
      for (const run of session.runs.values())
        run.reject(run.failure ?? session.broken ?? new HeddleError("cancelled", { where: "the rack is closed" }));
      session.runs.clear();
      await closeAll();
    })();
    return closing;
  };
  return {
    rack: session.machine.rack,
    submit,
    run: async (graph, inputs, options) => submit(graph, inputs, options).outputs(),
    stream: (graph, elements, options = {}) =>
      streamRuns(elements, {
        ...(options.inFlight === undefined ? {} : { inFlight: options.inFlight }),
        submit: (inputs) => submit(graph, inputs, options),
      }),
    state: (graph, options = {}) => rackState(session, states, createState(session, graph, options)),
    task: (name, compute) => hostTask(name, compute),
    stages: async (graph, options = {}) => stageReports(await planned(graph, options.pin), session.machine),
    checkVariant: (graph, variant, inputs) => inOrder(session, () => checkVariant(session, graph, { name: variant, inputs })),
    report: () => rackReport(session, records, session.made),
    close,
    [Symbol.asyncDispose]: close,
  };
}

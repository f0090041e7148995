import { DONE, NONE, RUNNING } from "./dataflow-state.ts";
import type { HandleId, TaskId } from "./dataflow-types.ts";
import { failTask } from "./fail.ts";
import type { Flow } from "./flow.ts";
import { letGo } from "./values.ts";

/** Ends a task that has not ended; one that runs is stopped first. */
export function cancelTask(flow: Flow, id: TaskId): void {
  const { state } = flow;
  const task = state.tasks.get(id);
  // It has ended for the client: what it made may still be needed.
  if (task === undefined || task.status === DONE || task.again) return;
  if (task.status !== RUNNING) {
    failTask(flow, task, { code: "cancelled" });
    return;
  }
  task.cancelled = true;
  const run = state.runs.get(task.run);
  if (run === undefined || run.voided) return;
  run.voided = true;
  flow.commands.push({ type: "abort", run: run.id });
}

/** The client will not name the handle again. */
export function releaseHandle(flow: Flow, id: HandleId): void {
  const { state } = flow;
  const handle = state.handles.get(id);
  if (handle === undefined) {
    state.counts.stale++;
    return;
  }
  state.handles.delete(id);
  for (const value of [handle.current, ...handle.contributions]) if (value !== NONE) letGo(flow, value);
}

import type { Nanoseconds, Ratio } from "../../base/units.ts";
import { ASSIGNED, BLOCKED, NONE, READY, RUNNING, type Task } from "./dataflow-state.ts";
import type { DeviceId, TaskId } from "./dataflow-types.ts";
import { type Flow, taskBy, valueBy } from "./flow.ts";
import { predictTransferNs } from "./link-model.ts";
import { linkFrom } from "./rack-map.ts";

/**
 * Whether a task that could start is to wait for one that the schedule has before it on the device, and that is about to come: all it waits for is
 * running, and the device would idle for less than the other would be held up.
 */
export function isHeld(flow: Flow, task: Task): boolean {
  const device = task.placed[0]!;
  const one = flow.state.devices[device]!;
  if (one.scheduled.length === 0 || task.gang > 1) return false;
  const ahead = nextScheduled(flow, device);
  if (ahead === undefined || ahead.rankNs <= task.rankNs || ahead.priority < task.priority) return false;
  const idleNs = readyAt(flow, ahead, device) - flow.now;
  const delayNs = task.predictedNs - idleNs;
  if (idleNs >= HOLD_SHARE * delayNs) return false;
  flow.state.held.set(task.id, true);
  return true;
}

/** Idle time that is worth a nanosecond of less delay. */
const HOLD_SHARE: Ratio = 1;

/** What is held is looked at again at every event: what it waits for may have come, or not be coming. */
export function lookAtHeld(flow: Flow): void {
  const { held } = flow.state;
  if (held.size === 0) return;
  for (const id of held.keys()) flow.tasksToLookAt.push(id);
  held.clear();
}

/** With nothing under way there is nothing to wait for: the devices' schedules are over. */
export function startHeld(flow: Flow): boolean {
  if (flow.state.held.size === 0) return false;
  for (const device of flow.state.devices) device.scheduled = [];
  lookAtHeld(flow);
  return true;
}

/** The first task of the device's schedule that has not begun. */
function nextScheduled(flow: Flow, device: DeviceId): Task | undefined {
  const { scheduled } = flow.state.devices[device]!;
  for (;;) {
    const id: TaskId | undefined = scheduled[scheduled.length - 1];
    if (id === undefined) return undefined;
    const task = flow.state.tasks.get(id);
    if (task !== undefined && isToCome(task, device)) return task;
    scheduled.pop();
  }
}

function isToCome({ status, placed }: Task, device: DeviceId): boolean {
  return status === BLOCKED || status === READY || (status === ASSIGNED && placed[0] === device);
}

/** When a task's inputs are predicted to be there; where one is not even being made, when the schedule has it, or Infinity once that is over. */
function readyAt(flow: Flow, task: Task, device: DeviceId): Nanoseconds {
  let at = flow.now;
  for (const { input } of task.uses) {
    if (input === NONE) continue;
    const { made, producer, bytes } = valueBy(flow, input);
    if (made) continue;
    if (producer === NONE || flow.state.tasks.get(producer)?.status !== RUNNING) {
      return task.scheduledAt > flow.now ? task.scheduledAt : Infinity;
    }
    const from = taskBy(flow, producer).placed[0]!;
    const link = linkFrom(flow.map, flow.map.memoryOf[from]!, flow.map.memoryOf[device]!);
    const handoverNs = link < 0 ? 0 : predictTransferNs(flow.state.links[link]!, bytes);
    at = Math.max(at, Math.max(flow.now, flow.state.devices[from]!.busyUntil) + handoverNs);
  }
  return at;
}

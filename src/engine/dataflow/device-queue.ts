import type { Device, Task } from "./dataflow-state.ts";
import { type Flow, taskBy } from "./flow.ts";
import { isBefore } from "./ready.ts";

/** Enters a task among those assigned to a device, most urgent first; returns its place. */
export function enqueue(flow: Flow, device: Device, task: Task): number {
  const { queue } = device;
  let at = queue.length;
  while (at > 0 && isBefore(task, taskBy(flow, queue[at - 1]!))) at--;
  queue.splice(at, 0, task.id);
  device.queuedNs += task.predictedNs;
  return at;
}

/** Takes a task, or a gang in line, from a device. */
export function dequeue(device: Device, task: Task): void {
  const { queue, gangs } = device;
  if (task.placed.length > 1) {
    const at = gangs.indexOf(task.id);
    if (at >= 0) gangs.splice(at, 1);
    return;
  }
  const at = queue.indexOf(task.id);
  if (at < 0) return;
  queue.splice(at, 1);
  // Sums of fractions drift.
  device.queuedNs = queue.length === 0 ? 0 : Math.max(0, device.queuedNs - task.predictedNs);
}

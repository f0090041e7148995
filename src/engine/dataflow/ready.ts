import { must } from "../../base/assert.ts";
import { BLOCKED, READY, type ReadyQueue, type Task } from "./dataflow-state.ts";
import type { TaskId } from "./dataflow-types.ts";
import { type Flow, taskBy } from "./flow.ts";

/** Whether `a` goes before `b`: priority, urgency, order of submission. The same everywhere, so that queues agree. */
export function isBefore(a: Task, b: Task): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.urgency !== b.urgency) return a.urgency > b.urgency;
  return a.order < b.order;
}

/** All inputs are there: the task is to be placed. */
export function makeReady(flow: Flow, id: TaskId): void {
  const task = taskBy(flow, id);
  task.status = READY;
  if (task.replayed && task.failures === 0 && task.losses === 0) {
    flow.tasksToReplay.push(id);
    return;
  }
  queueReady(flow, task);
}

/** Enters a ready task among those to be placed. */
export function queueReady(flow: Flow, task: Task): void {
  const { id } = task;
  task.urgency = urgencyOf(flow, task);
  const queue = readyQueueOf(flow, task);
  const { heap } = queue;
  heap.push(id);
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(task, taskBy(flow, heap[parent]!))) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = id;
}

function urgencyOf(flow: Flow, { id, priority, rankNs }: Task): number {
  try {
    const urgency = flow.policy.urgency({ task: id, priority, upwardRankNs: rankNs });
    if (Number.isFinite(urgency)) return urgency;
  } catch {
    flow.state.counts.policyFallbacks++;
    return rankNs;
  }
  flow.state.counts.policyRefusals++;
  return rankNs;
}

/** Takes the most urgent task out of a queue. */
export function popReady(flow: Flow, { heap }: ReadyQueue): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  siftDown(flow, heap, { at: 0, id: last });
}

/** Takes a task out that is not to run now. */
export function removeReady(flow: Flow, task: Task): void {
  const { heap } = readyQueueOf(flow, task);
  const at = heap.indexOf(task.id);
  const replay = flow.tasksToReplay.indexOf(task.id);
  if (replay >= 0) flow.tasksToReplay.splice(replay, 1);
  if (at >= 0) {
    const rest = heap.filter((id) => id !== task.id);
    heap.length = 0;
    for (const id of rest) heap.push(id);
    for (let i = (heap.length >> 1) - 1; i >= 0; i--) siftDown(flow, heap, { at: i, id: heap[i]! });
  }
  task.status = BLOCKED;
}

function siftDown(flow: Flow, heap: TaskId[], from: { readonly at: number; readonly id: TaskId }): void {
  const task = taskBy(flow, from.id);
  let { at } = from;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    let first = taskBy(flow, heap[child]!);
    if (child + 1 < heap.length) {
      const second = taskBy(flow, heap[child + 1]!);
      if (isBefore(second, first)) {
        first = second;
        child++;
      }
    }
    if (!isBefore(first, task)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = from.id;
}

/** One queue for all tasks that the same devices could run, so that a full class does not hold up the others. */
function readyQueueOf(flow: Flow, { stage, gang, devices }: Task): ReadyQueue {
  const { ready, readyOfStage } = flow.state;
  const key = stage * GANG_MAX + gang;
  const known = devices === undefined && gang < GANG_MAX ? readyOfStage.get(key) : undefined;
  if (known !== undefined) return ready[known]!;
  const variants = must(flow.state.stages.get(stage), "a task's stage is known").variants;
  const classes = [...new Set(variants.map((variant) => variant.class))].sort((a, b) => a - b);
  const name = `${classes.join()}/${gang}/${devices?.join() ?? ""}`;
  let at = ready.findIndex((one) => one.name === name);
  if (at < 0) at = ready.push({ name, classes, heap: [] }) - 1;
  if (devices === undefined && gang < GANG_MAX) readyOfStage.set(key, at);
  return ready[at]!;
}

/** Larger gangs are looked up by name. */
const GANG_MAX = 256;

/** Queues with something in them, the one with the most urgent task first. */
export function nextReady(flow: Flow, skipped: readonly ReadyQueue[]): ReadyQueue | undefined {
  let best: ReadyQueue | undefined;
  let bestTask: Task | undefined;
  for (const queue of flow.state.ready) {
    if (queue.heap.length === 0 || skipped.includes(queue)) continue;
    const task = taskBy(flow, queue.heap[0]!);
    if (bestTask !== undefined && !isBefore(task, bestTask)) continue;
    best = queue;
    bestTask = task;
  }
  return best;
}

import { assert } from "../../base/assert.ts";
import { planted } from "../../base/planted-fault.ts";
import { isWorth } from "../../policy/worth.ts";
import { boutDevice } from "./bouts.ts";
import { candidatesFor, readyAt } from "./candidates.ts";
import { ASSIGNED, BLOCKED, NONE, STAGED, type Task } from "./dataflow-state.ts";
import type { DeviceId, TaskId } from "./dataflow-types.ts";
import { dequeue, enqueue } from "./device-queue.ts";
import { type Flow, taskBy } from "./flow.ts";
import { giveUpResidents, instanceOf, memoriesOf } from "./grant.ts";
import { giveBack, unlease } from "./instances.ts";
import { assign, choose, countUnderWay, prefetch } from "./place.ts";
import { isBefore } from "./ready.ts";

/** Lets a device's next task make its memory and data ready while the one before it runs. */
export function stageNext(flow: Flow, device: DeviceId): void {
  const { state } = flow;
  const one = state.devices[device]!;
  if (!one.alive || one.staged !== NONE) return;
  const gang = one.gangs[0];
  if (gang !== undefined) {
    const task = taskBy(flow, gang);
    // A device keeps itself free for its oldest gang; the oldest of all gangs is so on each of its devices, hence some gang always goes on.
    if (task.placed.every((member) => canHold(flow, member, gang))) stage(flow, task);
    return;
  }
  const next = one.queue[0];
  if (next !== undefined) stage(flow, taskBy(flow, next));
  else one.lastAssigned = NONE;
}

function canHold(flow: Flow, device: DeviceId, gang: TaskId): boolean {
  const { alive, staged, gangs } = flow.state.devices[device]!;
  return alive && (staged === NONE || planted("gang-half-held")) && gangs[0] === gang;
}

function stage(flow: Flow, task: Task): void {
  const { state } = flow;
  assert(task.status === ASSIGNED, "what is staged was assigned", { task: task.id, status: task.status });
  task.status = STAGED;
  state.staged.set(task.id, true);
  task.discards = task.uses.map(() => false);
  for (const device of task.placed) {
    const one = state.devices[device]!;
    dequeue(one, task);
    one.staged = task.id;
    const upcoming = one.queue[flow.config.limits.prefetchDepth - 1];
    if (upcoming !== undefined) prefetch(flow, taskBy(flow, upcoming), device);
  }
  const memories = memoriesOf(flow, task.placed);
  task.grantsLeft = memories.length;
  for (const memory of memories) {
    state.memories[memory]!.waiting.push(task.id);
    flow.memoriesToLookAt.push(memory);
  }
}

/** A staged task goes back into the queue where a more urgent one has come and the device is not idle yet. */
export function giveWay(flow: Flow, device: DeviceId): void {
  const one = flow.state.devices[device]!;
  const next = one.queue[0];
  if (next === undefined || one.staged === NONE || one.load !== NONE) return;
  const staged = taskBy(flow, one.staged);
  if (staged.gang > 1 || !isBefore(taskBy(flow, next), staged)) return;
  const { variant, predictedNs } = staged;
  unstage(flow, staged);
  staged.placed = [device];
  staged.status = ASSIGNED;
  staged.variant = variant;
  staged.predictedNs = predictedNs;
  countUnderWay(flow, staged, 1);
  enqueue(flow, one, staged);
}

/** Takes a staged task back: what it held is free again. It is blocked; the caller decides what becomes of it. */
export function unstage(flow: Flow, task: Task): void {
  const { state } = flow;
  state.staged.delete(task.id);
  for (const memory of memoriesOf(flow, task.placed)) {
    const { waiting } = state.memories[memory]!;
    const at = waiting.indexOf(task.id);
    if (at >= 0) {
      waiting.splice(at, 1);
      flow.memoriesToLookAt.push(memory);
    }
  }
  const granted = task.placed.filter((device) => task.grantedIn.includes(flow.map.memoryOf[device]!));
  release(flow, task, granted);
  for (const device of task.placed) {
    const one = state.devices[device]!;
    if (one.staged === task.id) one.staged = NONE;
    flow.devicesToLookAt.push(device);
  }
  countUnderWay(flow, task, -1);
  task.placed = [];
  task.status = BLOCKED;
}

/** Ends a task's leases, scratch and use of loaded stages. */
export function release(flow: Flow, task: Task, devices: readonly DeviceId[]): void {
  const { leases, scratch } = task;
  task.leases = [];
  task.scratch = [];
  task.grantedIn = [];
  for (let i = 0; i < leases.length; i += 2) {
    const held = instanceOf(flow, leases[i]!, leases[i + 1]!);
    if (held !== undefined) unlease(flow, held.storage, held.instance);
  }
  for (let i = 0; i < scratch.length; i += 2) if (flow.state.memories[scratch[i]!]!.alive) giveBack(flow, scratch[i]!, scratch[i + 1]!);
  giveUpResidents(flow, task, devices);
}

/** A device with nothing to do takes over a task that would end sooner with it than where it is queued. */
export function steal(flow: Flow, device: DeviceId): boolean {
  const { state, map } = flow;
  const thief = state.devices[device]!;
  if (!thief.alive || thief.run !== NONE || thief.load !== NONE || thief.staged !== NONE) return false;
  if (thief.queue.length > 0 || thief.gangs.length > 0) return false;
  let tries = 0;
  for (let other = 0; other < state.devices.length; other++) {
    if (other === device) continue;
    const { queue, staged, run } = state.devices[other]!;
    const next = queue[0] ?? (run !== NONE && staged !== NONE ? staged : NONE);
    const task = state.tasks.get(next);
    if (task === undefined || task.replayed || task.gang > 1 || !canRun(flow, task, map.classOf[device]!)) continue;
    if (moveIfSooner(flow, task, { from: other, to: device })) return true;
    if (++tries === STEAL_TRIES) return false;
  }
  return false;
}

/** Gain for which a task moves, as a share of its run: predictions are not that exact. */
const MOVE_GAIN_MIN = 0.1;

/** A task stays where its schedule has it until it would end later by so many of its runs. */
const LATE_MAX = 1;

/** Tasks that an idle device looks at: keeps the cost of an end flat. */
const STEAL_TRIES = 8;

function canRun(flow: Flow, task: Task, deviceClass: number): boolean {
  return flow.state.stages.get(task.stage)!.variants.some((variant) => variant.class === deviceClass);
}

function moveIfSooner(flow: Flow, task: Task, { from, to }: { from: DeviceId; to: DeviceId }): boolean {
  const { state } = flow;
  const alone = boutDevice(flow);
  if (alone !== NONE && alone !== to) return false;
  // It is one of those that are ahead of it there.
  const endsAt = readyAt(flow, from, task);
  if (task.scheduledOn === from && endsAt <= task.scheduledEndAt + LATE_MAX * task.predictedNs) return false;
  const choice = choose(flow, task, to);
  if (choice === undefined || choice.endsAt + choice.movedNs + MOVE_GAIN_MIN * choice.predictedNs >= endsAt) return false;
  // The thief is idle, so this is what it takes while it stays so.
  if (choice.burdenNs > 0 && !isWorth(choice.burdenNs, Math.min(...candidatesFor(flow, task, from).map(({ runNs }) => runNs))))
    return false;
  if (task.status === STAGED) unstage(flow, task);
  else {
    dequeue(state.devices[from]!, task);
    countUnderWay(flow, task, -1);
    flow.devicesToLookAt.push(from);
  }
  state.counts.stolen++;
  assign(flow, task, choice);
  return true;
}

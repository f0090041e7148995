import { hiddenNumber, planted } from "../../base/planted-fault.ts";
import { earliestFinish } from "../../policy/policies/earliest-finish.ts";
import { boutDevice, spoilBout } from "./bouts.ts";
import type { Candidate } from "./candidate.ts";
import { candidatesFor, counted } from "./candidates.ts";
import { ASSIGNED, NONE, type ReadyQueue, type Task } from "./dataflow-state.ts";
import type { DeviceId } from "./dataflow-types.ts";
import { dequeue, enqueue } from "./device-queue.ts";
import { type Flow, taskBy, valueBy } from "./flow.ts";
import { inMemberOrder } from "./gang-order.ts";
import { historyOf } from "./histories.ts";
import { bring } from "./moves.ts";
import { nextReady, popReady } from "./ready.ts";
import { residentKey } from "./residency.ts";
import { recordDecision } from "./templates.ts";

/** Assigns ready tasks to devices, most urgent first, until what is next has to wait. */
export function placeReady(flow: Flow): boolean {
  const waiting: ReadyQueue[] = [];
  let placed = false;
  for (;;) {
    const queue = nextReady(flow, waiting);
    if (queue === undefined) return placed;
    const task = taskBy(flow, queue.heap[0]!);
    const choice = task.scheduledOn !== NONE || hasRoom(flow, queue) ? choose(flow, task) : undefined;
    if (choice === undefined) waiting.push(queue);
    else {
      popReady(flow, queue);
      assign(flow, task, choice);
      placed = true;
    }
  }
}

/** Some device of the queue's classes takes another task. */
function hasRoom(flow: Flow, { classes }: ReadyQueue): boolean {
  const { queueDepth } = flow.config.limits;
  for (const deviceClass of classes) {
    for (const device of flow.map.devicesOfClass[deviceClass] ?? []) {
      const { alive, queue } = flow.state.devices[device]!;
      if (alive && queue.length < queueDepth) return true;
    }
  }
  return false;
}

export interface Choice {
  readonly devices: readonly DeviceId[];
  readonly variant: number;
  readonly predictedNs: number;
  readonly endsAt: number;
  readonly burdenNs: number;
  readonly movedNs: number;
}

/** The policy's choice among all devices or for one, checked; the default's where it is none. `undefined`: the task waits. */
export function choose(flow: Flow, task: Task, only: DeviceId = NONE): Choice | undefined {
  const { state, config, policy } = flow;
  const usable = (only === NONE ? usableOfBout(flow, task) : undefined) ?? withoutFailed(candidatesFor(flow, task, only), task.gang);
  if (usable.length < task.gang) return undefined;
  const { scheduledOn, scheduledEndAt } = task;
  const view = { task: task.id, priority: task.priority, gang: task.gang, now: flow.now, scheduledOn, scheduledEndAt };
  // Copies, which it may do anything to. Why not always: on 64 devices they were a third of all that a decision leaves to the collector.
  const shown = policy.onlyReads === true ? usable : usable.map((one) => ({ ...one }));
  let chosen: readonly number[] | undefined;
  try {
    chosen = policy.place(view, counted(shown), config.policy);
  } catch {
    state.counts.policyFallbacks++;
  }
  if (chosen !== undefined && !isChoice(chosen, usable, task)) {
    state.counts.policyRefusals++;
    chosen = undefined;
  }
  // A policy may let a task wait only for something: with its devices idle there is nothing to wait for.
  if (chosen?.length === 0 && usable.some(({ device }) => isIdle(flow, device))) {
    state.counts.policyFallbacks++;
    chosen = undefined;
  }
  chosen ??= earliestFinish.place(view, counted(usable), config.policy);
  if (planted("hidden-choice") && task.gang === 1) chosen = [hiddenNumber() % usable.length];
  const members = chosen.map((index) => usable[index]!);
  if (members.length === 0 || members.some(({ full }) => full)) return undefined;
  const predictedNs = Math.max(...members.map(({ runNs, loadNs }) => runNs + loadNs));
  const found = members.map(({ device }) => device);
  const { variant } = members[0]!;
  const devices = task.gang === 1 ? found : (task.devices ?? inMemberOrder(flow, task, { devices: found, variant }));
  const endsAt = Math.max(...members.map((one) => Math.max(one.deviceReadyAt + one.loadNs, one.dataReadyAt) + one.runNs));
  const burdenNs = members.reduce((sum, one) => sum + one.burdenNs, 0);
  const movedNs = members.reduce((sum, one) => sum + one.movedNs, 0);
  return { devices, variant, predictedNs, endsAt, burdenNs, movedNs };
}

/**
 * The candidate on the one device that the bout is on. `undefined` where it may go anywhere: also where that device cannot run it, failed it, or would have to
 * be sent what only another one has, such as the state of a sequence.
 */
function usableOfBout(flow: Flow, task: Task): readonly Candidate[] | undefined {
  const device = boutDevice(flow);
  if (device === NONE || task.gang > 1) return undefined;
  const there = candidatesFor(flow, task, device).filter(({ failedBefore, movedNs }) => !failedBefore && movedNs === 0);
  if (there.length > 0) return there;
  spoilBout(flow);
  return undefined;
}

function isIdle(flow: Flow, device: DeviceId): boolean {
  const { run, load, staged, queue, gangs } = flow.state.devices[device]!;
  return run === NONE && load === NONE && staged === NONE && queue.length === 0 && gangs.length === 0;
}

/** Where a task failed before is left out while there is another place. */
function withoutFailed(candidates: readonly Candidate[], gang: number): readonly Candidate[] {
  if (!candidates.some(({ failedBefore }) => failedBefore)) return candidates;
  const others = candidates.filter(({ failedBefore }) => !failedBefore);
  const suffices = others.some(
    (one) => others.filter((other) => other.class === one.class && other.variant === one.variant).length >= gang,
  );
  return suffices ? others : candidates;
}

/** A policy in error may return anything. */
function isChoice(chosen: readonly number[], candidates: readonly Candidate[], task: Task): boolean {
  if (!Array.isArray(chosen)) return false;
  if (chosen.length === 0) return true;
  if (chosen.length !== task.gang) return false;
  const first = candidates[chosen[0]!];
  if (first === undefined) return false;
  if (task.gang === 1) return true;
  const devices = chosen.map((index) => candidates[index]).filter((one) => one?.class === first.class && one.variant === first.variant);
  return devices.length === task.gang && new Set(devices.map((one) => one?.device)).size === task.gang;
}

/** Puts a task into the queue of its device, or a gang in line on all of its devices, and sends its inputs ahead. */
export function assign(
  flow: Flow,
  task: Task,
  { devices, variant, predictedNs }: Pick<Choice, "devices" | "variant" | "predictedNs">,
): void {
  const { state } = flow;
  recordDecision(flow, task, { devices, variant, predictedNs });
  task.status = ASSIGNED;
  task.placed = devices;
  task.variant = variant;
  task.predictedNs = predictedNs;
  countUnderWay(flow, task, 1);
  for (const device of devices) {
    const one = state.devices[device]!;
    one.lastAssigned = residentKey(task.stage, variant);
    flow.devicesToLookAt.push(device);
    if (devices.length > 1) one.gangs.push(task.id);
    else {
      const at = enqueue(flow, one, task);
      if (at < flow.config.limits.prefetchDepth) prefetch(flow, task, device);
    }
  }
}

/** Takes an assigned task back from its devices. */
export function unassign(flow: Flow, task: Task): void {
  for (const device of task.placed) {
    dequeue(flow.state.devices[device]!, task);
    flow.devicesToLookAt.push(device);
  }
  countUnderWay(flow, task, -1);
  task.placed = [];
}

/** Runs of this kind that the histories will hear of. */
export function countUnderWay(flow: Flow, task: Task, by: number): void {
  const stage = flow.state.stages.get(task.stage)!;
  const { underWay } = historyOf(flow.state.histories, { operator: stage.operator, variant: task.variant, footprint: task.footprint });
  for (const device of task.placed) underWay[device]! += by;
}

/** Sends inputs ahead into free room; where there is none, they come when the task is next. */
export function prefetch(flow: Flow, task: Task, device: DeviceId): void {
  const memory = flow.map.memoryOf[device]!;
  if (flow.state.memories[memory]!.waiting.length > 0) return;
  for (const { input } of task.uses) {
    if (input !== NONE) bring(flow, valueBy(flow, input), { memory, purpose: "prefetch" });
  }
}

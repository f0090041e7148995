import { NONE } from "./dataflow-state.ts";
import { failStuck, isQuiet } from "./executor-ends.ts";
import { failForInput, makeAgain } from "./fail.ts";
import { pursueFetch } from "./fetch.ts";
import type { Flow } from "./flow.ts";
import { grantIn } from "./grant.ts";
import { startHeld } from "./hold.ts";
import { assign, placeReady } from "./place.ts";
import { queueReady } from "./ready.ts";
import { giveWay, stageNext, steal } from "./stage-next.ts";
import { pursue } from "./start.ts";
import { replayChoice } from "./templates.ts";

/** Does everything that an event made possible, until nothing more is. */
export function settle(flow: Flow): void {
  let mayPlace = true;
  const idle: number[] = [];
  for (;;) {
    if (lookAround(flow, idle)) {
      mayPlace = true;
      continue;
    }
    if (mayPlace) {
      mayPlace = false;
      if (replayReady(flow) || placeReady(flow)) continue;
    }
    const device = idle.pop();
    if (device !== undefined) {
      if (steal(flow, device)) mayPlace = true;
      continue;
    }
    if (isQuiet(flow) && (startHeld(flow) || failStuck(flow))) continue;
    return;
  }
}

/** One of the things to look at; false where there is none. */
function lookAround(flow: Flow, idle: number[]): boolean {
  const { state } = flow;
  const failing = flow.tasksToFail.pop();
  if (failing !== undefined) {
    const task = state.tasks.get(failing);
    if (task !== undefined) failForInput(flow, task);
    return true;
  }
  const gone = flow.valuesToMake.pop();
  if (gone !== undefined) {
    const value = state.values.get(gone);
    if (value !== undefined) makeAgain(flow, value);
    return true;
  }
  const fetch = flow.fetchesToLookAt.pop();
  if (fetch !== undefined) {
    pursueFetch(flow, fetch);
    return true;
  }
  const memory = flow.memoriesToLookAt.pop();
  if (memory !== undefined) {
    grantIn(flow, memory);
    return true;
  }
  const task = flow.tasksToLookAt.pop();
  if (task !== undefined) {
    pursue(flow, task);
    return true;
  }
  const device = flow.devicesToLookAt.pop();
  if (device === undefined) return false;
  giveWay(flow, device);
  stageNext(flow, device);
  const { run, staged, queue } = state.devices[device]!;
  if (run === NONE && staged === NONE && queue.length === 0 && !idle.includes(device)) idle.push(device);
  return true;
}

/** Ready tasks of recorded batches go where they went; one that cannot is placed like any other. */
function replayReady(flow: Flow): boolean {
  if (flow.tasksToReplay.length === 0) return false;
  for (const id of flow.tasksToReplay.splice(0)) {
    const task = flow.state.tasks.get(id);
    if (task === undefined) continue;
    const choice = replayChoice(flow, task);
    if (choice === undefined) queueReady(flow, task);
    else assign(flow, task, choice);
  }
  return true;
}

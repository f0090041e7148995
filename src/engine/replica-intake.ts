import { assert } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import type { Nanoseconds } from "../base/units.ts";
import { closeLane } from "../state/lanes.ts";
import { touchPrefix } from "../state/slots.ts";
import type { FromReplica, RequestId, SubmitMessage } from "./messages.ts";
import { fitsAlone, type ReplicaConfig, type ReplicaState, type Sequence, sequenceOf } from "./replica-state.ts";

/** Takes a request in, or answers why not. */
export function submit(
  state: ReplicaState,
  config: ReplicaConfig,
  submission: { message: SubmitMessage; now: Nanoseconds },
): FromReplica[] {
  const { message, now } = submission;
  const { request, attempt, promptTokens, maxNewTokens } = message;
  if (state.draining) return [{ type: "failed", request, attempt, code: "draining" }];
  if (promptTokens < 1 || maxNewTokens < 1 || !fitsAlone(config, promptTokens + maxNewTokens)) {
    return [{ type: "failed", request, attempt, code: "prompt-too-long" }];
  }
  const before = state.sequences.get(request);
  if (before !== undefined) {
    if (before.attempt >= attempt) return [];
    // An older attempt is dropped for the newer one, unless a task works on it: then the fleet asks again.
    if (before.task !== undefined) return [{ type: "failed", request, attempt, code: "device-failed" }];
    leave(state, before);
  }
  state.sequences.set(request, newSequence(state, message, now));
  insertWaiting(state, request);
  state.report.dirty = true;
  return [];
}

function newSequence(state: ReplicaState, message: SubmitMessage, now: Nanoseconds): Sequence {
  return {
    request: message.request,
    attempt: message.attempt,
    priority: message.priority,
    arrivedAt: now,
    arrival: state.nextArrival++,
    known: message.promptTokens,
    computed: 0,
    prefilled: 0,
    nextIndex: message.delivered,
    budget: message.maxNewTokens,
    keys: [...message.keys],
    parts: [...message.parts],
    lane: undefined,
    task: undefined,
    sealed: 0,
    sampled: false,
    started: false,
    cancelled: false,
    policyPreemptions: 0,
  };
}

/** Ends a request early. Rows of it in flight are computed and thrown away. A request that has ended is not an error: the messages crossed. */
export function cancel(state: ReplicaState, request: RequestId): FromReplica[] {
  const sequence = state.sequences.get(request);
  if (sequence === undefined || sequence.cancelled) return [];
  if (planted("lost-cancel") && sequence.lane !== undefined) return [];
  if (sequence.task !== undefined) {
    sequence.cancelled = true;
    return [];
  }
  return finishCancelled(state, sequence);
}

export function finishCancelled(state: ReplicaState, sequence: Sequence): FromReplica[] {
  leave(state, sequence, planted("lane-leak"));
  return [{ type: "finished", request: sequence.request, attempt: sequence.attempt, reason: "cancelled", generated: sequence.nextIndex }];
}

/** Removes a sequence that no task works on; its lane closes with the next task. */
export function leave(state: ReplicaState, sequence: Sequence, keepLane = false): void {
  assert(sequence.task === undefined, "no task works on a sequence that leaves", { request: sequence.request });
  state.sequences.delete(sequence.request);
  if (sequence.lane === undefined) remove(state.waiting, sequence.request);
  else if (keepLane) remove(state.running, sequence.request);
  else giveUpLane(state, sequence);
  state.report.dirty = true;
}

/** Takes the lane of a sequence away; what it had computed is computed again, or gathered where it was sealed. */
export function preempt(state: ReplicaState, sequence: Sequence): void {
  assert(sequence.task === undefined, "no task works on a sequence that is preempted", { request: sequence.request });
  giveUpLane(state, sequence);
  sequence.computed = 0;
  sequence.prefilled = 0;
  sequence.sealed = 0;
  sequence.sampled = false;
  if (planted("redeliver-after-preempt")) sequence.nextIndex = Math.max(0, sequence.nextIndex - 1);
  insertWaiting(state, sequence.request);
  state.counts.preemptions++;
  state.report.dirty = true;
}

function giveUpLane(state: ReplicaState, sequence: Sequence): void {
  assert(sequence.lane !== undefined, "a running sequence has a lane", { request: sequence.request });
  touchPrefix(state.slots, sequence.keys, sequence.sealed);
  closeLane(state.lanes, sequence.lane);
  state.closing.push(sequence.lane);
  sequence.lane = undefined;
  remove(state.running, sequence.request);
}

/** Higher priority first, then order of arrival: who was preempted comes before who arrived later. */
function insertWaiting(state: ReplicaState, request: RequestId): void {
  const { waiting } = state;
  const { priority, arrival } = sequenceOf(state, request);
  let at = waiting.length;
  while (at > 0) {
    const before = sequenceOf(state, waiting[at - 1]!);
    if (before.priority > priority || (before.priority === priority && before.arrival < arrival)) break;
    at--;
  }
  waiting.splice(at, 0, request);
}

function remove(list: RequestId[], request: RequestId): void {
  const at = list.indexOf(request);
  assert(at >= 0, "a request is on the list of its state", { request });
  list.splice(at, 1);
}

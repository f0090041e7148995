import { planted } from "../base/planted-fault.ts";
import type { Nanoseconds } from "../base/units.ts";
import { pagesFor } from "../state/block.ts";
import { paddedPages } from "../state/lanes.ts";
import type { FromReplica, RequestId, SubmitMessage } from "./messages.ts";
import { type ReplicaConfig, type ReplicaState, type Sequence, sequenceOf } from "./replica-state.ts";

/** Takes a request in, or answers why not. An older attempt of the same request is dropped in favour of the newer one. */
export function submit(
  state: ReplicaState,
  config: ReplicaConfig,
  submission: { message: SubmitMessage; now: Nanoseconds },
): FromReplica[] {
  const { message, now } = submission;
  const { request, attempt, promptTokens, maxNewTokens } = message;
  const total = promptTokens + maxNewTokens;
  const refuse = (code: "prompt-too-long" | "draining"): FromReplica[] => [{ type: "failed", request, attempt, code }];
  if (state.draining) return refuse("draining");
  if (promptTokens < 1 || maxNewTokens < 1 || total > config.contextLimit || paddedPages(pagesFor(total)) > config.workingPages) {
    return refuse("prompt-too-long");
  }
  const before = state.sequences.get(request);
  if (before !== undefined) {
    if (before.attempt >= attempt) return [];
    leave(state, before);
  }
  state.sequences.set(request, {
    request,
    attempt,
    priority: message.priority,
    arrivedAt: now,
    known: promptTokens,
    computed: 0,
    nextIndex: message.delivered,
    budget: maxNewTokens,
    keys: [...message.keys],
    lane: undefined,
    task: undefined,
    order: -1,
    sealed: 0,
    sampled: false,
    started: false,
    cancelled: false,
  });
  insertWaiting(state, request);
  state.report.dirty = true;
  return [];
}

/** Ends a request early. Rows of it in flight are computed and thrown away. */
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
  const leak = planted("lane-leak");
  leave(state, sequence, leak);
  return [{ type: "finished", request: sequence.request, attempt: sequence.attempt, reason: "cancelled", generated: sequence.nextIndex }];
}

/** Removes a sequence that no task works on; its lane closes with the next task. */
export function leave(state: ReplicaState, sequence: Sequence, keepLane = false): void {
  state.sequences.delete(sequence.request);
  state.waiting = state.waiting.filter((request) => request !== sequence.request);
  state.running = state.running.filter((request) => request !== sequence.request);
  if (sequence.lane !== undefined && !keepLane) state.closing.push(sequence.lane);
  sequence.lane = undefined;
  state.report.dirty = true;
}

/** Takes the lane of a sequence away; what it had computed is computed again, or gathered where it was sealed. */
export function preempt(state: ReplicaState, sequence: Sequence): void {
  if (sequence.lane !== undefined) state.closing.push(sequence.lane);
  sequence.lane = undefined;
  sequence.computed = 0;
  sequence.sealed = 0;
  sequence.sampled = false;
  if (planted("redeliver-after-preempt")) sequence.nextIndex = Math.max(0, sequence.nextIndex - 1);
  state.running = state.running.filter((request) => request !== sequence.request);
  state.waiting.unshift(sequence.request);
}

/** Higher priority first, then order of arrival. */
function insertWaiting(state: ReplicaState, request: RequestId): void {
  const { priority } = sequenceOf(state, request);
  let at = state.waiting.length;
  while (at > 0 && sequenceOf(state, state.waiting[at - 1]!).priority < priority) at--;
  state.waiting.splice(at, 0, request);
}

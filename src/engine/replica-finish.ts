import { assert } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import { BLOCK_TOKENS } from "../state/block.ts";
import { abandonSlot, releaseSlot } from "../state/slots.ts";
import type { FinishReason, FromReplica } from "./messages.ts";
import type { Sample, TaskFinished, TaskId } from "./replica-engine-types.ts";
import { finishCancelled, leave } from "./replica-intake.ts";
import { publishSeals } from "./replica-seal.ts";
import { type ReplicaState, type Sequence, sequenceOf, type TaskInFlight } from "./replica-state.ts";

/** Takes the outcome of a task: leases end, complete blocks are published, sampled tokens go out. */
export function finishTask(state: ReplicaState, event: TaskFinished): FromReplica[] {
  const task = endTask(state, event.task);
  let sampled = 0;
  for (const row of task.rows) if (row.sample) sampled++;
  assert(event.samples.length === sampled, "one sample for every row that asked", { got: event.samples.length, sampled });
  assert(event.sealedKeys.length === task.seals.length, "one key for every seal", event.sealedKeys.length);
  publishSeals(state, task, event.sealedKeys);
  const messages: FromReplica[] = [];
  let next = 0;
  for (const row of task.rows) {
    const sequence = sequenceOf(state, row.request);
    sequence.task = undefined;
    if (row.prefill && sequence.prefilled === sequence.computed) sequence.prefilled += row.count;
    sequence.computed += row.count;
    const sample = row.sample ? event.samples[next++] : undefined;
    if (sequence.cancelled) messages.push(...finishCancelled(state, sequence));
    else if (sample !== undefined) takeSample(state, sequence, { sample, messages });
  }
  return messages;
}

/** A task that failed voids its appends: its requests end with an error that lets the fleet submit them again. */
export function failTask(state: ReplicaState, taskId: TaskId): FromReplica[] {
  const task = endTask(state, taskId, planted("lease-leak"));
  for (const { target } of task.seals) abandonSlot(state.slots, target);
  return task.rows.map(({ request }): FromReplica => {
    const sequence = sequenceOf(state, request);
    sequence.task = undefined;
    const { attempt, cancelled } = sequence;
    if (cancelled) return finishCancelled(state, sequence)[0]!;
    leave(state, sequence);
    return { type: "failed", request, attempt, code: "device-failed" };
  });
}

function endTask(state: ReplicaState, taskId: TaskId, keepLeases = false): TaskInFlight {
  const task = state.tasks.get(taskId);
  assert(task !== undefined, "a task ends once", { taskId });
  state.tasks.delete(taskId);
  state.report.dirty = true;
  // Deepest block first, so that it is also the first to be evicted and prefixes stay whole.
  if (!keepLeases) for (let i = task.leased.length - 1; i >= 0; i--) releaseSlot(state.slots, task.leased[i]!);
  return task;
}

function takeSample(state: ReplicaState, sequence: Sequence, given: { readonly sample: Sample; readonly messages: FromReplica[] }): void {
  const { sample, messages } = given;
  const { request, attempt } = sequence;
  sequence.sampled = true;
  if (sample.stop && !planted("stop-token-delivered")) {
    finish(state, sequence, { reason: "stop", messages });
    return;
  }
  messages.push({ type: "token", request, attempt, index: sequence.nextIndex, token: sample.token });
  sequence.nextIndex++;
  sequence.known++;
  sequence.budget--;
  if (planted("double-emit") && sequence.known % BLOCK_TOKENS === 0) {
    messages.push({ type: "token", request, attempt, index: sequence.nextIndex++, token: sample.token });
  }
  if (sample.stop) finish(state, sequence, { reason: "stop", messages });
  else if (sequence.budget === 0) finish(state, sequence, { reason: "length", messages });
}

function finish(state: ReplicaState, sequence: Sequence, given: { readonly reason: FinishReason; readonly messages: FromReplica[] }): void {
  leave(state, sequence);
  if (planted("forgotten-completion")) return;
  const { request, attempt, nextIndex } = sequence;
  given.messages.push({ type: "finished", request, attempt, reason: given.reason, generated: nextIndex });
}

import { assert } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import { BLOCK_TOKENS } from "../state/block.ts";
import { abandonSlot, releaseSlot, sealSlot } from "../state/slots.ts";
import type { FinishReason, FromReplica } from "./messages.ts";
import type { Sample, TaskFinished, TaskId } from "./replica-engine-types.ts";
import { finishCancelled, leave } from "./replica-intake.ts";
import { type ReplicaState, type Sequence, sequenceOf, type TaskInFlight } from "./replica-state.ts";

/** Takes the outcome of a task: leases end, complete blocks are published, sampled tokens go out. */
export function finishTask(state: ReplicaState, event: TaskFinished): FromReplica[] {
  const task = endTask(state, event.task);
  const sampled = task.rows.filter((row) => row.sample).length;
  assert(event.samples.length === sampled, "one sample for every row that asked", { got: event.samples.length, sampled });
  assert(event.sealedKeys.length === task.seals.length, "one key for every seal", event.sealedKeys.length);
  publishSeals(state, task, event.sealedKeys);
  const messages: FromReplica[] = [];
  let next = 0;
  for (const row of task.rows) {
    const sequence = sequenceOf(state, row.request);
    sequence.task = undefined;
    sequence.computed += row.count;
    const sample = row.sample ? event.samples[next++] : undefined;
    if (sequence.cancelled) messages.push(...finishCancelled(state, sequence));
    else if (sample !== undefined) messages.push(...takeSample(state, sequence, sample));
  }
  return messages;
}

/** A task that failed voids its appends: its requests end with an error that lets the fleet submit them again. */
export function failTask(state: ReplicaState, taskId: TaskId): FromReplica[] {
  const task = endTask(state, taskId, planted("lease-leak"));
  for (const { target } of task.seals) abandonSlot(state.slots, target);
  return task.rows.map(({ request }) => {
    const sequence = sequenceOf(state, request);
    sequence.task = undefined;
    leave(state, sequence);
    return { type: "failed", request, attempt: sequence.attempt, code: "device-failed" };
  });
}

function endTask(state: ReplicaState, taskId: TaskId, keepLeases = false): TaskInFlight {
  const task = state.tasks.get(taskId);
  assert(task !== undefined, "a task ends once", { taskId });
  state.tasks.delete(taskId);
  state.report.dirty = true;
  // Deepest block first, so that it is also the first to be evicted and prefixes stay whole.
  if (!keepLeases) for (const ref of [...task.leased].reverse()) releaseSlot(state.slots, ref);
  return task;
}

function publishSeals(state: ReplicaState, task: TaskInFlight, keys: readonly string[]): void {
  task.seals.forEach(({ request, block, target }, i) => {
    const key = keys[i]!;
    const sequence = sequenceOf(state, request);
    const expected = sequence.keys[block];
    assert(expected === undefined || expected === key, "a block's key is a function of its content", { request, block });
    if (sequence.keys.length === block) sequence.keys.push(key);
    if (sealSlot(state.slots, target, key)) state.report.sealed.push(key);
  });
}

function takeSample(state: ReplicaState, sequence: Sequence, sample: Sample): FromReplica[] {
  sequence.sampled = true;
  if (sample.stop && !planted("stop-token-delivered")) return finish(state, sequence, "stop");
  const { request, attempt } = sequence;
  const messages: FromReplica[] = [{ type: "token", request, attempt, index: sequence.nextIndex, token: sample.token }];
  sequence.nextIndex++;
  sequence.known++;
  sequence.budget--;
  if (planted("double-emit") && sequence.known % BLOCK_TOKENS === 0) {
    messages.push({ type: "token", request, attempt, index: sequence.nextIndex++, token: sample.token });
  }
  if (sample.stop) messages.push(...finish(state, sequence, "stop"));
  else if (sequence.budget === 0) messages.push(...finish(state, sequence, "length"));
  return messages;
}

function finish(state: ReplicaState, sequence: Sequence, reason: FinishReason): FromReplica[] {
  leave(state, sequence);
  if (planted("forgotten-completion")) return [];
  return [{ type: "finished", request: sequence.request, attempt: sequence.attempt, reason, generated: sequence.nextIndex }];
}

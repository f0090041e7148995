import { unreachable } from "../base/assert.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { Engine } from "./engine.ts";
import type { FromReplica, ToReplica } from "./messages.ts";
import type { ReplicaCommand, ReplicaEvent } from "./replica-engine-types.ts";
import { failTask, finishTask } from "./replica-finish.ts";
import { formTasks } from "./replica-form.ts";
import { cancel, submit } from "./replica-intake.ts";
import { reportLoad } from "./replica-report.ts";
import { createReplicaState, type ReplicaConfig, type ReplicaDeciders, type ReplicaState } from "./replica-state.ts";

export type ReplicaEngine = Engine<ReplicaEvent, ReplicaCommand, ReplicaState>;

/**
 * The engine of one placed copy of a model: continuous batching, chunked prefill, KV lanes and sealed blocks, preemption by recomputation.
 *
 * It is a deterministic state machine over plain data: `snapshot` is a copy of the state, and a new engine made from it goes on alike.
 * Errors: an executor that breaks its promises (unknown task, missing sample) is an assertion; everything else is answered by a message.
 */
export function createReplicaEngine(config: ReplicaConfig, deciders: ReplicaDeciders, from?: ReplicaState): ReplicaEngine {
  const state = from === undefined ? createReplicaState(config) : structuredClone(from);
  return {
    step: (event, now) => step({ state, config, deciders, now }, event),
    snapshot: () => structuredClone(state),
  };
}

interface Stepping {
  readonly state: ReplicaState;
  readonly config: ReplicaConfig;
  readonly deciders: ReplicaDeciders;
  readonly now: Nanoseconds;
}

function step(stepping: Stepping, event: ReplicaEvent): ReplicaCommand[] {
  const { state, config, now } = stepping;
  const commands = take(stepping, event).map((message): ReplicaCommand => ({ type: "send", message }));
  for (const command of formTasks(stepping)) commands.push(command);
  for (const command of reportLoad(state, config, now)) commands.push(command);
  return commands;
}

function take(stepping: Stepping, event: ReplicaEvent): FromReplica[] {
  const { state } = stepping;
  switch (event.type) {
    case "message":
      return takeMessage(stepping, event.message);
    case "task-finished":
      return finishTask(state, event);
    case "task-failed":
      return failTask(state, event.task);
    case "timer":
      state.report.timerSet = false;
      return [];
    default:
      return unreachable(event);
  }
}

function takeMessage({ state, config, now }: Stepping, message: ToReplica): FromReplica[] {
  switch (message.type) {
    case "submit":
      return submit(state, config, { message, now });
    case "cancel":
      return cancel(state, message.request);
    case "drain":
      state.draining = true;
      return [];
    default:
      return unreachable(message);
  }
}

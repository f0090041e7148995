import { unreachable } from "../base/assert.ts";
import type { Engine } from "./engine.ts";
import type { FromReplica, ToReplica } from "./messages.ts";
import type { Stepping } from "./replica-decide.ts";
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
  const state = from === undefined ? createReplicaState(config, deciders) : structuredClone(from);
  return {
    step: (event, now) => {
      const stepping: Stepping = { state, config, deciders, now };
      const commands = take(stepping, event).map((message): ReplicaCommand => ({ type: "send", message }));
      formTasks(stepping, commands);
      reportLoad(state, config, { now, commands });
      return commands;
    },
    snapshot: () => structuredClone(state),
  };
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

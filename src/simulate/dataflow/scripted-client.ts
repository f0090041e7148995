import { must } from "../../base/assert.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { VirtualClock } from "../../clock/virtual-clock.ts";
import type { ClientEvent, DataflowCommand } from "../../engine/dataflow/dataflow-types.ts";

/** What one client does, in its order: each call a while after the answer it waits for, or after the start. */
export type ScriptedClient = readonly ScriptedCall[];

export interface ScriptedCall {
  /** Absent: the start of the run. */
  readonly after?: AnswerName;
  readonly gapNs: Nanoseconds;
  readonly event: ClientEvent;
}

/** `deliver` of a fetch, or `task-ended` of a task. */
export interface AnswerName {
  readonly type: "deliver" | "task-ended";
  readonly of: number;
}

export type Answer = Extract<DataflowCommand, { readonly type: "deliver" | "task-ended" }>;

/** Plays clients; a call is made when its answer is that long ago and all calls before it have been made. */
export function scriptedClients(
  clients: readonly ScriptedClient[],
  clock: VirtualClock,
  send: (event: ClientEvent) => void,
): { answered(answer: Answer): void } {
  const answers = new Map<string, Nanoseconds>();
  const waiting = new Map<string, (() => void)[]>();
  const start = clock.now();
  const proceed = (client: ScriptedClient, next: number): void => {
    const call = client[next];
    if (call === undefined) return;
    const key = call.after === undefined ? undefined : `${call.after.type} ${call.after.of}`;
    const since = key === undefined ? start : answers.get(key);
    if (since === undefined) {
      const name = must(key, "a call that waits names an answer");
      waiting.set(name, [...(waiting.get(name) ?? []), () => proceed(client, next)]);
      return;
    }
    clock.schedule(Math.max(clock.now(), since + call.gapNs), () => {
      send(call.event);
      proceed(client, next + 1);
    });
  };
  for (const client of clients) proceed(client, 0);
  return {
    answered: (answer) => {
      const key = answer.type === "deliver" ? `deliver ${answer.fetch}` : `task-ended ${answer.task}`;
      answers.set(key, clock.now());
      for (const go of waiting.get(key) ?? []) go();
      waiting.delete(key);
    },
  };
}

import type { Nanoseconds } from "../../base/units.ts";
import type { ClientEvent, DataflowCommand, DataflowEvent, HandleId } from "../../engine/dataflow/dataflow-types.ts";
import type { AnswerName, ScriptedCall, ScriptedClient } from "./scripted-client.ts";

export interface RecordedStep {
  readonly at: Nanoseconds;
  readonly event: DataflowEvent;
  readonly commands: readonly DataflowCommand[];
}

export interface RecordedClients {
  readonly clients: readonly ScriptedClient[];
  readonly stages: readonly ClientEvent[];
  readonly lastAnswer: Nanoseconds;
}

/**
 * The clients of a recorded run: calls that have a handle in common are one client's, and each call comes as long after the last answer that client had
 * been given as it did.
 */
export function recordedClients(part: readonly RecordedStep[]): RecordedClients {
  const begin = part[0]?.at ?? 0;
  const own = new Set(part.flatMap(({ event }) => (event.type === "handle-declared" ? [event.handle] : [])));
  const clientOf = components(part.flatMap(({ event }) => [handlesOf(event)]));
  const calls = new Map<HandleId, ScriptedCall[]>();
  const last = new Map<HandleId, AnswerName & { readonly at: Nanoseconds }>();
  /** Whose answer it will be. */
  const owners = new Map<string, HandleId>();
  const stages: ClientEvent[] = [];
  let lastAnswer = begin;
  for (const { at, event, commands } of part) {
    if (event.type === "stage-declared") stages.push(event);
    const [handle] = handlesOf(event);
    if (handle !== undefined && own.has(handle)) {
      const client = clientOf(handle);
      const answer = last.get(client);
      const call = { gapNs: at - (answer?.at ?? begin), event: event as ClientEvent };
      calls.set(client, [
        ...(calls.get(client) ?? []),
        answer === undefined ? call : { ...call, after: { type: answer.type, of: answer.of } },
      ]);
      if (event.type === "fetch") owners.set(`deliver ${event.fetch}`, client);
      if (event.type === "submitted") for (const i of event.tasks.keys()) owners.set(`task-ended ${event.first + i}`, client);
    }
    for (const command of commands) {
      const name = answerName(command);
      const client = name && owners.get(`${name.type} ${name.of}`);
      if (name === undefined || client === undefined) continue;
      last.set(client, { ...name, at });
      lastAnswer = at;
    }
  }
  return { clients: [...calls.values()], stages, lastAnswer };
}

function answerName(command: DataflowCommand): AnswerName | undefined {
  if (command.type === "deliver") return { type: "deliver", of: command.fetch };
  return command.type === "task-ended" ? { type: "task-ended", of: command.task } : undefined;
}

/** Handles that a client's event names. */
export function handlesOf(event: DataflowEvent): readonly HandleId[] {
  switch (event.type) {
    case "handle-declared":
    case "put":
    case "fetch":
    case "handle-released":
      return [event.handle];
    case "submitted":
      return event.tasks.flatMap(({ accesses }) => accesses.map(({ handle }) => handle));
    default:
      return [];
  }
}

/** The smallest of the handles that are connected with one by lists that name both. */
function components(lists: readonly (readonly HandleId[])[]): (handle: HandleId) => HandleId {
  const parents = new Map<HandleId, HandleId>();
  const rootOf = (handle: HandleId): HandleId => {
    let root = handle;
    for (let up = parents.get(root); up !== undefined && up !== root; up = parents.get(root)) root = up;
    parents.set(handle, root);
    return root;
  };
  for (const handles of lists) {
    for (const handle of handles.slice(1)) {
      const [left, right] = [rootOf(handles[0]!), rootOf(handle)];
      parents.set(Math.max(left, right), Math.min(left, right));
    }
  }
  return rootOf;
}

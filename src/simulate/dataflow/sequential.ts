import type { Bytes } from "../../base/units.ts";
import type { ClientEvent, HandleId, TaskId, TaskSpec } from "../../engine/dataflow/dataflow-types.ts";
import { appendedContent, type Content, combinedContent, producedBytes, producedContent, putContent } from "./symbolic-content.ts";

interface Held {
  content: Content;
  bytes: Bytes;
}

/** What a program gives when its tasks run one after the other: content of every fetch. Shares nothing with the engine but the types of events. */
export function createSequential(): { take(event: ClientEvent): void; readonly fetched: ReadonlyMap<number, Content> } {
  const handles = new Map<HandleId, Held>();
  const templates = new Map<number, readonly TaskSpec[]>();
  const fetched = new Map<number, Content>();
  let puts = 0;
  const runAll = (first: TaskId, tasks: readonly TaskSpec[]): void => {
    for (const [i, spec] of tasks.entries()) run(handles, first + i, spec);
  };
  return {
    fetched,
    take: (event) => {
      if (event.type === "put") handles.set(event.handle, { content: putContent(event.handle, puts++), bytes: event.bytes });
      else if (event.type === "submitted") {
        runAll(event.first, event.tasks);
        if (event.template !== undefined) templates.set(event.template, event.tasks);
      } else if (event.type === "repeated") runAll(event.first, templates.get(event.template) ?? []);
      else if (event.type === "fetch") {
        const held = handles.get(event.handle);
        if (held !== undefined) fetched.set(event.fetch, held.content);
      }
    },
  };
}

function run(handles: Map<HandleId, Held>, task: TaskId, { accesses }: TaskSpec): void {
  const inputs: Content[] = [];
  for (const { handle, mode } of accesses) {
    const held = handles.get(handle);
    if ((mode === "read" || mode === "append") && held !== undefined) inputs.push(held.content);
  }
  accesses.forEach(({ handle, mode, bytes: bytesMax = 0 }, access) => {
    if (mode === "read") return;
    const made = producedContent(task, access, inputs);
    const bytes = producedBytes(task, access, bytesMax);
    const before = handles.get(handle);
    if (mode === "write" || before === undefined) handles.set(handle, { content: made, bytes });
    else if (mode === "append") handles.set(handle, { content: appendedContent(before.content, made), bytes: before.bytes + bytes });
    else handles.set(handle, { content: combinedContent([before.content, made]), bytes: Math.max(before.bytes, bytes) });
  });
}

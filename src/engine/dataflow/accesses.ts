import { must } from "../../base/assert.ts";
import { planted } from "../../base/planted-fault.ts";
import type { Bytes } from "../../base/units.ts";
import { type Handle, NONE, type Use, type ValueId } from "./dataflow-state.ts";
import { type AccessSpec, type HandleId, HOME, type TaskId } from "./dataflow-types.ts";
import { type Flow, storageBy, valueBy } from "./flow.ts";
import { freeBytes, instanceAt, lease, unlease } from "./instances.ts";
import { addReader, createStorage, createValue, letGo } from "./values.ts";

/** Makes the task that combines a handle's contributions; given by `submit.ts`. */
export type CombineContributions = (handle: HandleId) => void;

/**
 * Turns the accesses of a task, in the order of submission, into single-assignment values: what it reads is what those before it left, what it makes
 * is the handle's value for those after it.
 */
export function resolveAccesses(
  flow: Flow,
  accesses: readonly AccessSpec[],
  given: { readonly task: TaskId; readonly combine: CombineContributions },
): Use[] {
  const { task, combine } = given;
  for (const { handle, mode } of accesses) if (mode === "read" || mode === "append") combine(handle);
  const uses: Use[] = [];
  for (const access of accesses) {
    if (access.mode !== "read") continue;
    const { current } = handleOf(flow, access.handle);
    const value = valueBy(flow, current);
    addReader(flow, value);
    const { storage, version } = value;
    uses.push({
      handle: access.handle,
      mode: "read",
      member: access.member ?? NONE,
      input: current,
      output: NONE,
      storage,
      version,
      bytesMax: 0,
    });
  }
  // In the order of the task's accesses again, outputs made.
  let read = 0;
  return accesses.map((access) => (access.mode === "read" ? uses[read++]! : makeOutput(flow, access, task)));
}

function makeOutput(flow: Flow, { handle, mode, bytes = 0, member = 0 }: AccessSpec, task: TaskId): Use {
  const known = handleOf(flow, handle);
  const before = known.current;
  if (mode === "append") {
    const old = valueBy(flow, before);
    const storage = storageBy(flow, old.storage);
    const value = createValue(flow, storage, { version: old.version + 1, bytes: old.bytes + bytes, producer: task });
    addReader(flow, old);
    known.current = value.id;
    letGo(flow, before);
    return { handle, mode, member, input: before, output: value.id, storage: storage.id, version: value.version, bytesMax: bytes };
  }
  const value = createValue(flow, createStorage(flow, handle), { version: 0, bytes, producer: task });
  if (mode === "reduce") known.contributions.push(value.id);
  else if (planted("wrong-order") && before !== NONE) letGo(flow, value.id);
  else overwrite(flow, known, value.id);
  return { handle, mode, member, input: NONE, output: value.id, storage: value.storage, version: 0, bytesMax: bytes };
}

/** The handle's value is another one now; what it had goes when its readers are done. */
export function overwrite(flow: Flow, handle: Handle, value: ValueId): void {
  const before = [handle.current, ...handle.contributions];
  handle.current = value;
  handle.contributions = [];
  for (const id of before) letGo(flow, id);
}

/** Data from outside, at home. False where home has no room. */
export function put(flow: Flow, id: HandleId, bytes: Bytes): boolean {
  const handle = handleOf(flow, id);
  if (bytes > freeBytes(flow, HOME)) return false;
  const storage = createStorage(flow, id);
  const value = createValue(flow, storage, { version: 0, bytes, producer: NONE });
  const instance = lease(flow, storage, { memory: HOME, bytes });
  instance.allocated = true;
  instance.version = 0;
  instance.bytes = bytes;
  value.made = true;
  value.sized = true;
  flow.commands.push({ type: "adopt", handle: id, storage: storage.id, bytes });
  overwrite(flow, handle, value.id);
  unlease(flow, storage, must(instanceAt(storage, HOME), "what was put is at home"));
  return true;
}

export function handleOf(flow: Flow, id: HandleId): Handle {
  return must(flow.state.handles.get(id), "a handle that was checked is known");
}

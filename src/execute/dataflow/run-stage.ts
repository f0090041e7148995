import { assert, must } from "../../base/assert.ts";
import type { Bytes, Nanoseconds } from "../../base/units.ts";
import type { Binding, MemoryId, StartCommand, StorageId } from "../../engine/dataflow/dataflow-types.ts";
import type { RunPart } from "../device/device-driver.ts";
import type { HostTensor } from "../device/tensor.ts";
import type { Seat, SeatRun, SeatStage, SlotAppend, SlotId, SlotInfo, StopSignal } from "../seat/seat-types.ts";
import type { StageWork } from "./stage-work.ts";
import type { StorageBook } from "./storage-book.ts";
import { tensorBytes, zeroRows } from "./tensor-rows.ts";

/** Where storages are slots of the same number. */
export interface StoragePlace {
  readonly seat: Seat;
  readonly memory: MemoryId;
  readonly book: StorageBook;
}

/** Where a task runs. */
export interface RunPlace extends StoragePlace {
  readonly stage: SeatStage;
  readonly work: StageWork;
  readonly signal: StopSignal;
  /** A slot number that no storage has. */
  freshSlot(): SlotId;
}

export interface RunResult {
  readonly busyNs: Nanoseconds;
  readonly parts: readonly RunPart[];
  /** Of each output binding, in order. */
  readonly bytes: readonly Bytes[];
}

/**
 * Runs a task at a seat on storages as slots of the same number. A storage that has become longer since is read up to the length the task was to see.
 * Rows are appended when the run has succeeded, so a run that fails leaves the state as it was. Where a state is there already, the seat is told of the
 * append with the run.
 *
 * Errors: those of the seat.
 */
export async function runStage(command: StartCommand, place: RunPlace): Promise<RunResult> {
  const { combines } = place.work;
  return combines === undefined ? runOnce(command, place) : combine(command, place, combines);
}

async function runOnce({ bindings }: StartCommand, place: RunPlace): Promise<RunResult> {
  const { seat, work, book, memory } = place;
  const { ports, capacities } = must(work.ports, "a stage that is no combine has ports");
  assert(bindings.length === ports.length, "a task has an access for each port", { stage: work.name });
  const inputs: Record<string, SlotId> = {};
  const outputs: Record<string, SlotId> = {};
  const extra: SlotId[] = [];
  const prefixes: Promise<void>[] = [];
  for (const [at, binding] of bindings.entries()) {
    const port = ports[at]!;
    if (binding.mode === "read") {
      const whole = ready(binding.storage, place, capacities[at]) === binding.bytes;
      inputs[port] = whole ? binding.storage : place.freshSlot();
      if (whole) continue;
      extra.push(inputs[port]);
      prefixes.push(copyPrefix(place, binding, inputs[port]));
    } else if (!binding.discard && outputs[port] === undefined) {
      outputs[port] = binding.mode === "append" ? place.freshSlot() : binding.storage;
      if (binding.mode === "append") extra.push(outputs[port]);
    }
  }
  const growing = bindings.flatMap((binding, at): Growing[] =>
    growsAtOnce(binding, place) ? [{ binding, append: { target: binding.storage, rows: outputs[ports[at]!]! } }] : [],
  );
  try {
    if (prefixes.length > 0) await Promise.all(prefixes);
    const run = await place.stage.run(inputs, outputs, {
      signal: place.signal,
      ...(growing.length === 0 ? {} : { appends: growing.map(({ append }) => append) }),
    });
    await takeAppends(run, growing, place);
    const bytes: Bytes[] = [];
    for (const [at, binding] of bindings.entries()) {
      if (binding.mode === "read") continue;
      const port = ports[at]!;
      const made = binding.discard ? undefined : run.outputs[port];
      const madeBytes = made === undefined ? 0 : tensorBytes(made);
      bytes.push(madeBytes);
      if (made === undefined) continue;
      if (growing.some((one) => one.binding === binding)) book.setBytes(binding.storage, memory, binding.bytes + madeBytes);
      else await keep(place, binding, { made, slot: outputs[port]!, capacity: capacities[at] });
    }
    return { busyNs: run.busyNs, parts: run.parts, bytes };
  } finally {
    if (extra.length > 0) seat.free(extra);
  }
}

/** A state that grows with the run itself. */
interface Growing {
  readonly binding: Binding;
  readonly append: SlotAppend;
}

/** What is not there yet gets its form from the rows, so that it waits for the run. */
function growsAtOnce({ mode, discard, storage, bytes }: Binding, { book, memory }: StoragePlace): boolean {
  return mode === "append" && !discard && book.bytesAt(storage, memory) === bytes;
}

/** Takes back what was appended where another append failed. Errors: that of the append. */
async function takeAppends({ appendErrors }: SeatRun, growing: readonly Growing[], place: StoragePlace): Promise<void> {
  const failed = appendErrors?.find((error) => error !== undefined);
  if (failed === undefined) return;
  const done = growing.filter((_one, i) => appendErrors?.[i] === undefined);
  await Promise.all(done.map(({ binding }) => takeRowsBack(place, binding)));
  throw failed;
}

/** The rows a task saw and no more. */
export async function takeRowsBack({ seat, book, memory }: StoragePlace, { storage, bytes }: Binding): Promise<void> {
  const { capacity } = book.form(storage);
  const rows = must(book.rows(storage, 0, bytes), "only rows are appended");
  const before = await seat.get(storage, { rows });
  seat.free([storage]);
  await seat.put(storage, before, capacity === undefined ? {} : { capacity });
  book.setBytes(storage, memory, bytes);
}

export interface MadeOutput {
  readonly made: SlotInfo;
  readonly slot: SlotId;
  readonly capacity: number | undefined;
}

/** What a run made is the storage's content, or goes behind it. */
export async function keep({ seat, book, memory }: StoragePlace, binding: Binding, { made, slot, capacity }: MadeOutput): Promise<void> {
  const { storage } = binding;
  if (binding.mode !== "append") {
    if (slot !== storage) await seat.copy(slot, storage);
    book.note(storage, made, capacity);
    book.setBytes(storage, memory, tensorBytes(made));
    return;
  }
  if (book.bytesAt(storage, memory) === undefined) {
    book.note(storage, made, capacity);
    await seat.put(storage, zeroRows(made), capacity === undefined ? {} : { capacity });
    book.setBytes(storage, memory, 0);
  }
  const before = must(book.bytesAt(storage, memory), "a state is there before it is appended to");
  assert(before === binding.bytes, "rows go behind the rows the task saw", { storage, before, saw: binding.bytes });
  await seat.append(storage, slot);
  book.setBytes(storage, memory, before + tensorBytes(made));
}

/** Bytes of a storage at the seat; one without rows need not have been moved there. */
export function ready(storage: StorageId, { book, memory, seat }: StoragePlace, capacity: number | undefined): Bytes {
  const there = book.bytesAt(storage, memory);
  if (there !== undefined) return there;
  const { type, dims } = book.form(storage);
  void seat.put(storage, zeroRows({ type, dims }), capacity === undefined ? {} : { capacity }).catch(() => undefined);
  book.setBytes(storage, memory, 0);
  return 0;
}

/** The first rows of a storage as a slot of their own. */
export async function copyPrefix({ seat, book }: StoragePlace, { storage, bytes }: Binding, slot: SlotId): Promise<void> {
  const rows = must(book.rows(storage, 0, bytes), "only rows are appended");
  const prefix: HostTensor = await seat.get(storage, { rows });
  await seat.put(slot, prefix);
}

/** Adds what bindings read, two at a time, into the last binding's storage. */
async function combine({ bindings }: StartCommand, place: RunPlace, names: readonly [string, string, string]): Promise<RunResult> {
  const { seat, book, memory, stage, signal } = place;
  const [left, right, sum] = names;
  const parts = bindings.slice(0, -1);
  const output = must(bindings.at(-1), "a combine makes a value");
  let busyNs = 0;
  let acc: SlotId | undefined;
  const extra: SlotId[] = [];
  try {
    if (parts.length === 1) {
      const info = await seat.copy(parts[0]!.storage, output.storage, { signal });
      return kept(info);
    }
    for (const [at, { storage }] of parts.entries()) {
      if (at === 0) {
        acc = storage;
        continue;
      }
      const target = at === parts.length - 1 ? output.storage : place.freshSlot();
      if (target !== output.storage) extra.push(target);
      const run = await stage.run({ [left]: must(acc, "a first part"), [right]: storage }, { [sum]: target }, { signal });
      busyNs += run.busyNs;
      acc = target;
      if (target === output.storage) return kept(must(run.outputs[sum], "a sum"));
    }
    return must<RunResult>(undefined, "a combine has parts");
  } finally {
    if (extra.length > 0) seat.free(extra);
  }

  function kept(info: SlotInfo): RunResult {
    book.note(output.storage, info);
    book.setBytes(output.storage, memory, tensorBytes(info));
    return { busyNs, parts: [], bytes: [tensorBytes(info)] };
  }
}

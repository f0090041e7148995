import type { TaskId } from "../../engine/replica-engine-types.ts";
import { type BlockKey, PART_TOKENS, type SlotRef } from "../../state/block.ts";

/** What a checker knows of one slot from the tasks it saw. */
interface SlotView {
  generation: number;
  /** Task that writes it now. */
  writer: TaskId | undefined;
  /** Keys it was sealed under, of its first 8, 16, … tokens; absent while it is written, or void. */
  keys: readonly BlockKey[] | undefined;
  readonly readers: Set<TaskId>;
}

/** Bookkeeping of one replica's sealed slots from outside: who reads, who writes, which generation holds what. Every method returns what is wrong. */
export interface SlotLedger {
  /** `tokens`: how many of its leading ones. */
  read(ref: SlotRef, reading: { task: TaskId; tokens: number; rightKey: (key: BlockKey) => boolean }): string | undefined;
  write(ref: SlotRef, task: TaskId): string | undefined;
  /** The writer is done: the slot holds what the keys name, or nothing where its task failed. */
  writeEnded(ref: SlotRef, keys: readonly BlockKey[] | undefined): void;
  readEnded(ref: SlotRef, task: TaskId): void;
}

/** Slots as commands and events tell of them, apart from the engine's own store. */
export function createSlotLedger(capacity: number): SlotLedger {
  const slots = new Map<number, SlotView>();
  const outside = ({ slot }: SlotRef): boolean => !Number.isInteger(slot) || slot < 0 || slot >= capacity;
  return {
    read: (ref, { task, tokens, rightKey }) => {
      const view = slots.get(ref.slot);
      const name = `slot ${ref.slot}`;
      if (outside(ref) || view === undefined) return `${name} is read but was never written`;
      view.readers.add(task);
      if (view.writer !== undefined) return `${name} is read while task ${view.writer} writes it`;
      if (view.generation !== ref.generation) return `${name} is read in generation ${ref.generation}, it holds ${view.generation}`;
      if (view.keys === undefined) return `${name} is read but holds nothing`;
      const key = view.keys[tokens / PART_TOKENS - 1];
      if (key === undefined) return `${name} holds ${view.keys.length * PART_TOKENS} tokens, ${tokens} are read`;
      return rightKey(key) ? undefined : `${name} holds ${key}, another block than the one wanted`;
    },
    write: (ref, task) => {
      const name = `slot ${ref.slot}`;
      if (outside(ref)) return `${name} lies outside the ${capacity} there are`;
      const view = slots.get(ref.slot);
      slots.set(ref.slot, { generation: ref.generation, writer: task, keys: undefined, readers: view?.readers ?? new Set() });
      if (view === undefined) return undefined;
      if (view.writer !== undefined) return `${name} is written by tasks ${view.writer} and ${task}`;
      if (view.readers.size > 0) return `${name} is written while task ${[...view.readers][0]} reads it`;
      return ref.generation > view.generation ? undefined : `${name} is written again in generation ${ref.generation}`;
    },
    writeEnded: (ref, keys) => {
      const view = slots.get(ref.slot);
      if (view === undefined) return;
      view.writer = undefined;
      view.keys = keys;
    },
    readEnded: (ref, task) => {
      slots.get(ref.slot)?.readers.delete(task);
    },
  };
}

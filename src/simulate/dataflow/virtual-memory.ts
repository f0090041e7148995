import type { Bytes } from "../../base/units.ts";
import type { MemoryId, StorageId } from "../../engine/dataflow/dataflow-types.ts";
import type { DataflowReport } from "./dataflow-violation.ts";
import type { Content, Prefix } from "./symbolic-content.ts";

/** A buffer of a virtual memory. */
export interface VirtualBuffer {
  readonly storage: StorageId;
  readonly memory: MemoryId;
  readonly prefixes: Prefix[];
  /** What runs and transfers under way may enlarge it to. */
  readonly claims: Map<object, Bytes>;
  /** Runs and transfers that use it now. */
  users: number;
}

/** A memory with symbolic contents that watches its capacity and who uses what. */
export interface VirtualMemory {
  buffer(storage: StorageId): VirtualBuffer | undefined;
  /** The buffer, made if need be, that a user may enlarge to `bytes`. */
  claim(storage: StorageId, user: object, bytes: Bytes): VirtualBuffer;
  unclaim(buffer: VirtualBuffer, user: object): void;
  write(buffer: VirtualBuffer, prefix: Prefix): void;
  drop(storage: StorageId): void;
  /** Weights and scratch come and go. */
  hold(bytes: Bytes): void;
  clear(): void;
  readonly used: () => Bytes;
  readonly buffers: () => number;
}

export function createVirtualMemory(memory: MemoryId, capacity: Bytes, report: DataflowReport): VirtualMemory {
  const buffers = new Map<StorageId, VirtualBuffer>();
  let other = 0;
  let held = 0;
  const check = (): void => {
    if (held + other > capacity) report("capacity", `memory ${memory} holds ${held + other} of ${capacity} bytes`);
  };
  const resized = (buffer: VirtualBuffer, change: () => void): void => {
    const before = sizeOf(buffer);
    change();
    held += sizeOf(buffer) - before;
    check();
  };
  return {
    buffer: (storage) => buffers.get(storage),
    claim: (storage, user, bytes) => {
      const buffer = buffers.get(storage) ?? { storage, memory, prefixes: [], claims: new Map<object, Bytes>(), users: 0 };
      buffers.set(storage, buffer);
      resized(buffer, () => buffer.claims.set(user, bytes));
      return buffer;
    },
    unclaim: (buffer, user) => resized(buffer, () => buffer.claims.delete(user)),
    write: (buffer, prefix) => {
      const last = buffer.prefixes.at(-1);
      const before = buffer.prefixes.find(({ bytes }) => bytes === prefix.bytes);
      if (before !== undefined && before.content !== prefix.content) {
        report("use", `storage ${buffer.storage} in memory ${memory} is overwritten with something else`);
      }
      if (before === undefined && (last?.bytes ?? -1) < prefix.bytes) resized(buffer, () => buffer.prefixes.push(prefix));
    },
    drop: (storage) => {
      const buffer = buffers.get(storage);
      if (buffer === undefined) {
        report("use", `storage ${storage} is dropped from memory ${memory}, where it is not`);
        return;
      }
      if (buffer.users > 0 || buffer.claims.size > 0) report("use", `storage ${storage} is dropped from memory ${memory} while in use`);
      held -= sizeOf(buffer);
      buffers.delete(storage);
    },
    hold: (bytes) => {
      other += bytes;
      check();
    },
    clear: () => {
      buffers.clear();
      other = 0;
      held = 0;
    },
    used: () => held + other,
    buffers: () => buffers.size,
  };
}

function sizeOf({ prefixes, claims }: VirtualBuffer): Bytes {
  return Math.max(prefixes.at(-1)?.bytes ?? 0, ...claims.values());
}

/** What the first `bytes` of a buffer hold; `undefined` where they are not there. */
export function contentAt(buffer: VirtualBuffer | undefined, bytes: Bytes): Content | undefined {
  return buffer?.prefixes.find((prefix) => prefix.bytes === bytes)?.content;
}

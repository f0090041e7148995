import { assert, must } from "../../base/assert.ts";
import type { Bytes } from "../../base/units.ts";
import { HOME, type MemoryId, type StorageId } from "../../engine/dataflow/dataflow-types.ts";
import type { HostTensor, TensorType } from "../device/tensor.ts";
import type { RowRange } from "../seat/seat-types.ts";
import { elementBytes } from "./tensor-rows.ts";

/** What lies behind the engine's bytes: a storage is a tensor whose rows may become more. */
export interface StorageForm {
  readonly type: TensorType;
  /** Of the first value that was there; the first size grows. */
  readonly dims: readonly number[];
  /** Bytes of a row, 0 where all of it is one piece (a scalar, or rows without elements). */
  readonly rowBytes: Bytes;
  /** Rows a copy should have room for. */
  readonly capacity: number | undefined;
}

/** Forms of storages, how many rows each copy has, and the copies at home. */
export interface StorageBook {
  /** A storage's form, told with its first value. */
  note(storage: StorageId, value: Pick<HostTensor, "type" | "dims">, capacity?: number): void;
  form(storage: StorageId): StorageForm;
  known(storage: StorageId): boolean;
  /** Rows of [fromByte, toByte); undefined where that is all of a tensor in one piece. Errors: an assertion where bytes end inside a row. */
  rows(storage: StorageId, fromByte: Bytes, toByte: Bytes): RowRange | undefined;
  /** Bytes a copy has; undefined where there is none. */
  bytesAt(storage: StorageId, memory: MemoryId): Bytes | undefined;
  setBytes(storage: StorageId, memory: MemoryId, bytes: Bytes): void;
  drop(storage: StorageId, memory: MemoryId): void;
  /** Copies of a memory that is lost. */
  dropAll(memory: MemoryId): void;
  readonly home: Map<StorageId, HostTensor>;
}

export function createStorageBook(): StorageBook {
  const forms = new Map<StorageId, StorageForm>();
  /** For each storage the bytes in each memory. */
  const copies = new Map<StorageId, Map<MemoryId, Bytes>>();
  const home = new Map<StorageId, HostTensor>();
  const form = (storage: StorageId): StorageForm => must(forms.get(storage), "a storage's form is known before it is used");
  const drop = (storage: StorageId, memory: MemoryId): void => {
    const held = copies.get(storage);
    held?.delete(memory);
    if (memory === HOME) home.delete(storage);
    if (held?.size !== 0) return;
    copies.delete(storage);
    forms.delete(storage);
  };
  return {
    note: (storage, { type, dims }, capacity) => {
      const [, ...row] = dims;
      const rowBytes = dims.length === 0 ? 0 : row.reduce((product, size) => product * size, elementBytes(type));
      forms.set(storage, { type, dims, rowBytes, capacity });
    },
    form,
    known: (storage) => forms.has(storage),
    rows: (storage, fromByte, toByte) => {
      const { rowBytes } = form(storage);
      if (rowBytes === 0) return undefined;
      const range = { from: fromByte / rowBytes, to: toByte / rowBytes };
      assert(Number.isInteger(range.from) && Number.isInteger(range.to), "bytes of a storage are whole rows", {
        storage,
        fromByte,
        toByte,
        rowBytes,
      });
      return range;
    },
    bytesAt: (storage, memory) => copies.get(storage)?.get(memory),
    setBytes: (storage, memory, bytes) => {
      const held = copies.get(storage) ?? new Map<MemoryId, Bytes>();
      copies.set(storage, held.set(memory, bytes));
    },
    drop,
    dropAll: (memory) => {
      for (const storage of [...copies.keys()]) if (copies.get(storage)?.has(memory)) drop(storage, memory);
    },
    home,
  };
}

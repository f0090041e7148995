import { must } from "../../base/assert.ts";
import type { MemoryId, TransferCommand } from "../../engine/dataflow/dataflow-types.ts";
import type { Seat, SlotId } from "../seat/seat-types.ts";
import type { StorageBook } from "./storage-book.ts";
import { rowsOf, withRows } from "./tensor-rows.ts";

export interface MovePlace {
  /** The seat whose memory it is; undefined for home. */
  seatOf(memory: MemoryId): Seat | undefined;
  readonly book: StorageBook;
  freshSlot(): SlotId;
}

/** Copies rows of a storage between home and seats, or straight between two seats. Errors: those of the seats. */
export async function moveStorage(command: TransferCommand, place: MovePlace): Promise<void> {
  const { storage, source, target, fromByte, toByte } = command;
  const { book } = place;
  const form = book.form(storage);
  const range = book.rows(storage, fromByte, toByte);
  // All of a copy goes without a range: what is whole for a driver need not be cut.
  const rows = range === undefined || (fromByte === 0 && toByte === book.bytesAt(storage, source)) ? undefined : range;
  const room = form.capacity === undefined ? {} : { capacity: form.capacity };
  const [from, to] = [place.seatOf(source), place.seatOf(target)];
  // A copy without rows was there: the first rows come in its place.
  if (fromByte === 0 && book.bytesAt(storage, target) !== undefined) to?.free([storage]);
  if (from !== undefined && to !== undefined) {
    const tag = command.transfer;
    await Promise.all([
      from.send(storage, to.id, { tag, ...(rows === undefined ? {} : { rows }) }),
      to.receive(storage, from.id, fromByte === 0 ? { tag, ...room } : { tag, append: true }),
    ]);
  } else if (to !== undefined) {
    const whole = must(book.home.get(storage), "home has what it sends");
    const part = range === undefined ? whole : rowsOf(whole, range);
    if (fromByte === 0) await to.put(storage, part, room);
    else {
      const slot = place.freshSlot();
      await Promise.all([to.put(slot, part), to.append(storage, slot)]);
      to.free([slot]);
    }
  } else {
    const part = await must(from, "a move has a seat at one end").get(storage, rows === undefined ? {} : { rows });
    const before = fromByte === 0 ? undefined : must(book.home.get(storage), "home has the rows before");
    book.home.set(storage, before === undefined ? part : withRows(before, part));
  }
  book.setBytes(storage, target, toByte);
}

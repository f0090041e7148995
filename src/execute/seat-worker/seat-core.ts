import type { OpenDevice } from "../device/device-driver.ts";
import { createPeerBook } from "./peer-book.ts";
import { createProgramShelf } from "./program-shelf.ts";
import { createRunQueue } from "./run-queue.ts";
import { createSeatCall, type SeatCall } from "./seat-call.ts";
import { SEAT_CALLS } from "./seat-calls.ts";
import type { FromSeat, SeatStart, ToSeat } from "./seat-messages.ts";
import type { Answer, SeatParts, ToSeatThread } from "./seat-parts.ts";
import { wireFailure } from "./slot-fill.ts";
import { createSlotTable } from "./slot-table.ts";
import { createSpool } from "./spool.ts";
import { createStageShelf } from "./stage-shelf.ts";

export interface SeatOutlet {
  post(message: FromSeat): void;
  /** Takes in what has come meanwhile. */
  drain(): void;
  /** After `close`: nothing follows. */
  closed(): void;
}

export interface SeatCore {
  handle(message: ToSeatThread): void;
  /** The front end is gone: frees everything. */
  close(): Promise<void>;
}

/** The seat: takes calls, keeps the order of data among them, answers each when it is done. */
export function createSeatCore(device: OpenDevice, start: SeatStart, outlet: SeatOutlet): SeatCore {
  const calls = new Map<number, SeatCall>();
  const programs = createProgramShelf(start.cacheFolder);
  const parts: SeatParts = {
    seat: start.seat,
    device,
    slots: createSlotTable((tensor) => device.free(tensor)),
    stages: createStageShelf(device, programs),
    programs,
    runs: createRunQueue(outlet.drain),
    peers: createPeerBook(start.channelBytes),
    spool: createSpool(start.cacheFolder, `${process.pid}-${start.seat.replaceAll(/[^\w-]/g, "_")}`),
    pending: () => calls.size,
  };
  let closing: Promise<void> | undefined;

  const fail = (id: number, thrown: unknown): void => {
    outlet.post({ t: "failed", id, ...wireFailure(thrown) });
  };
  const close = (): Promise<void> => {
    closing ??= (async () => {
      // Others are told first: to them this seat is lost, whatever its calls end with.
      parts.peers.close();
      for (const call of calls.values()) call.cancel();
      await parts.runs.idle();
      parts.slots.clear();
      await device.close();
    })();
    return closing;
  };
  const answer = (id: number, given: Promise<Answer>): void => {
    given.then(
      ({ value, payload }) => {
        calls.delete(id);
        outlet.post(payload === undefined ? { t: "done", id, value } : { t: "done", id, value, payload });
      },
      (thrown: unknown) => {
        calls.delete(id);
        fail(id, thrown);
      },
    );
  };

  const free = (slots: readonly number[] | undefined): void => {
    if (slots !== undefined) for (const slot of slots) parts.slots.free(slot);
  };

  return {
    handle: (message) => {
      if (message.t === "peer") return parts.peers.add(message.seat, message.port);
      if (message.t === "cancel") return calls.get(message.target)?.cancel();
      if (message.t === "free") return free(message.slots);
      free((message as { readonly f?: readonly number[] }).f);
      if (message.t === "close") {
        close().then(
          () => {
            outlet.post({ t: "done", id: message.id });
            outlet.closed();
          },
          (thrown: unknown) => {
            fail(message.id, thrown);
            outlet.closed();
          },
        );
        return;
      }
      const call = createSeatCall(message.id);
      calls.set(message.id, call);
      const perform = SEAT_CALLS[message.t] as ((parts: SeatParts, call: SeatCall, message: ToSeat) => Promise<Answer>) | undefined;
      if (perform === undefined) return answer(message.id, Promise.reject(new TypeError(`no call ${String(message.t)}`)));
      answer(message.id, perform(parts, call, message));
    },
    close,
  };
}

import type { MessagePort } from "node:worker_threads";
import type { OpenDevice } from "../device/device-driver.ts";
import type { PeerBook } from "./peer-book.ts";
import type { ProgramShelf } from "./program-shelf.ts";
import type { RunQueue } from "./run-queue.ts";
import type { ToSeat } from "./seat-messages.ts";
import type { SlotTable } from "./slot-table.ts";
import type { Spool } from "./spool.ts";
import type { StageShelf } from "./stage-shelf.ts";

/** To the thread of a seat: calls, and channels to other seats as they come about. */
export type ToSeatThread = ToSeat | { readonly t: "peer"; readonly seat: string; readonly port: MessagePort };

/** What the calls of a seat work on. */
export interface SeatParts {
  readonly seat: string;
  readonly device: OpenDevice;
  readonly slots: SlotTable;
  readonly stages: StageShelf;
  readonly programs: ProgramShelf;
  readonly runs: RunQueue;
  readonly peers: PeerBook;
  readonly spool: Spool;
  readonly pending: () => number;
}

/** What a call answers: plain data, and bytes that are given away. */
export interface Answer {
  readonly value?: unknown;
  readonly payload?: Uint8Array;
}

// Goal: a state that was moved while it had no rows can be moved again when it has some. Method: an inline seat that starts without the state; home is the source.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { syntheticDevice } from "../../../test/support/synthetic-rack.ts";
import { HOME, type TransferCommand } from "../../engine/dataflow/dataflow-types.ts";
import type { HostTensor } from "../device/tensor.ts";
import { createSeats } from "../seat/create-seats.ts";
import type { Seat } from "../seat/seat-types.ts";
import { moveStorage } from "./move-storage.ts";
import { createStorageBook } from "./storage-book.ts";
import { tensorBytes } from "./tensor-rows.ts";

const TIMEOUT_MS = 60_000;
const CAPACITY = 8;
const [MEMORY, STATE] = [1, 7];
const folder = mkdtempSync(join(tmpdir(), "heddle-move-storage-"));
const seats = createSeats({ cacheFolder: folder });
let seat: Seat;

beforeAll(async () => {
  seat = await seats.open({ device: syntheticDevice("one"), memoryBytes: 1e9, isolation: "inline" });
}, TIMEOUT_MS);
afterAll(async () => {
  await seats.close();
  rmSync(folder, { recursive: true });
});

const rows = (...values: number[]): HostTensor => ({ type: "f32", dims: [values.length / 2, 2], data: Float32Array.from(values) });

it("moves a state without rows, its first rows, and those that came behind them", async () => {
  const book = createStorageBook();
  let slots = 1000;
  const place = { book, seatOf: (memory: number) => (memory === MEMORY ? seat : undefined), freshSlot: () => slots++ };
  const moved = async (value: HostTensor, fromByte: number): Promise<number[]> => {
    book.home.set(STATE, value);
    book.setBytes(STATE, HOME, tensorBytes(value));
    const command: TransferCommand = {
      type: "transfer",
      transfer: fromByte,
      storage: STATE,
      link: 0,
      source: HOME,
      target: MEMORY,
      fromByte,
      toByte: tensorBytes(value),
      purpose: "fetch",
    };
    await moveStorage(command, place);
    return Array.from((await seat.get(STATE)).data as Float32Array);
  };
  book.note(STATE, rows(), CAPACITY);
  expect(await moved(rows(), 0)).toEqual([]);
  expect(await moved(rows(1, 2), 0)).toEqual([1, 2]);
  expect(await moved(rows(1, 2, 3, 4), 8)).toEqual([1, 2, 3, 4]);
});

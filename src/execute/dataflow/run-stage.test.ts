// Goal: states of a run grow as a whole or not at all. Method: an inline seat with ONNX Runtime and a stage that keeps what it reads in two states; the run,
// and one of its appends, are made to fail.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syntheticDevice } from "../../../test/support/synthetic-rack.ts";
import type { Binding, StartCommand } from "../../engine/dataflow/dataflow-types.ts";
import { createOnnxBuilder } from "../../graph/onnx/builder.ts";
import type { HostTensor } from "../device/tensor.ts";
import { createSeats } from "../seat/create-seats.ts";
import type { Seat, SeatStage } from "../seat/seat-types.ts";
import { runStage } from "./run-stage.ts";
import { createStop } from "./stop.ts";
import { createStorageBook, type StorageBook } from "./storage-book.ts";
import { tensorBytes } from "./tensor-rows.ts";

const TIMEOUT_MS = 60_000;
const CAPACITY = 8;
const MEMORY = 1;
const [X, LEFT, RIGHT] = [1, 2, 3];
const folder = mkdtempSync(join(tmpdir(), "heddle-run-stage-"));
const seats = createSeats({ cacheFolder: folder });
let seat: Seat;
let stage: SeatStage;
let slots = 1000;

const rows = (values: readonly number[], width = 2): HostTensor => ({
  type: "f32",
  dims: [values.length / width, width],
  data: Float32Array.from(values),
});

beforeAll(async () => {
  seat = await seats.open({ device: syntheticDevice("one"), memoryBytes: 1e9, isolation: "inline" });
  const builder = createOnnxBuilder("keep");
  const x = builder.input("x", "float32", ["T", 2]);
  for (const name of ["left", "right"]) builder.output(builder.node("Identity", [x], { outputNames: [name] }), "float32", ["T", 2]);
  stage = await seat.load({ program: { type: "onnx-bytes", model: builder.build().model }, operators: [0, 1] });
}, TIMEOUT_MS);
afterAll(async () => {
  await seats.close();
  rmSync(folder, { recursive: true });
});

function bind(storage: number, mode: Binding["mode"], bytes: number): Binding {
  return { handle: storage, mode, storage, member: -1, bytes, bytesMax: bytes + 64, discard: false };
}

async function prepared(right: HostTensor): Promise<StorageBook> {
  const book = createStorageBook();
  seat.free([X, LEFT, RIGHT]);
  for (const [storage, value] of [
    [X, rows([1, 2])],
    [LEFT, rows([7, 8])],
    [RIGHT, right],
  ] as const) {
    await seat.put(storage, value, { capacity: CAPACITY });
    book.note(storage, value, CAPACITY);
    book.setBytes(storage, MEMORY, tensorBytes(value));
  }
  return book;
}

function run(book: StorageBook, at: { readonly stopped?: true } = {}) {
  const bindings = [bind(X, "read", 8), ...[LEFT, RIGHT].map((one) => bind(one, "append", book.bytesAt(one, MEMORY)!))];
  const command: StartCommand = { type: "start", run: 0, task: 0, stage: 0, variant: 0, devices: [0], bindings };
  const stop = createStop();
  if (at.stopped) stop.stop();
  const work = {
    stage: 0,
    name: "keep",
    recipes: [],
    ports: { ports: ["x", "left", "right"], capacities: [undefined, CAPACITY, CAPACITY] },
  };
  return runStage(command, { seat, memory: MEMORY, stage, work, book, signal: stop.signal, freshSlot: () => slots++ });
}

const kept = async (storage: number): Promise<number[]> => Array.from((await seat.get(storage)).data as Float32Array);
const sizes = (book: StorageBook): readonly unknown[] => [LEFT, RIGHT].map((one) => book.bytesAt(one, MEMORY));

describe("a run with states", () => {
  it("puts what it made behind what is there, and again", async () => {
    const book = await prepared(rows([9, 9]));
    expect((await run(book)).bytes).toEqual([8, 8]);
    expect(sizes(book)).toEqual([16, 16]);
    await run(book);
    expect([await kept(LEFT), await kept(RIGHT)]).toEqual([
      [7, 8, 1, 2, 1, 2],
      [9, 9, 1, 2, 1, 2],
    ]);
    expect((await seat.telemetry()).slots).toBe(3);
  });

  it("takes back what was appended where another append failed", async () => {
    // Rows of two are no rows of three.
    const book = await prepared(rows([1, 1, 1], 3));
    await expect(run(book)).rejects.toMatchObject({ code: "input-invalid" });
    expect([await kept(LEFT), await kept(RIGHT)]).toEqual([
      [7, 8],
      [1, 1, 1],
    ]);
    expect(sizes(book)).toEqual([8, 12]);
    expect((await seat.telemetry()).slots).toBe(3);
  });

  it("leaves all as it was where it is taken back", async () => {
    const book = await prepared(rows([9, 9]));
    await expect(run(book, { stopped: true })).rejects.toMatchObject({ code: "cancelled" });
    expect([await kept(LEFT), sizes(book)]).toEqual([
      [7, 8],
      [8, 8],
    ]);
  });
});

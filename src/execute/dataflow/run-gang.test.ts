// Goal: a gang's run counts as a whole or not at all. Method: two inline seats with ONNX Runtime and a program of two segments around a sum; appends, segments
// and members are made to fail one at a time; storages, slots and the run after it are looked at.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syntheticDevice } from "../../../test/support/synthetic-rack.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { Binding, StartCommand } from "../../engine/dataflow/dataflow-types.ts";
import { createOnnxBuilder } from "../../graph/onnx/builder.ts";
import type { GangProgram, GangSegment } from "../../graph/program/gang-program.ts";
import type { HostTensor } from "../device/tensor.ts";
import { type LoadedRank, loadRank } from "../gang/load-rank.ts";
import { createSeats } from "../seat/create-seats.ts";
import type { Seat } from "../seat/seat-types.ts";
import { type GangResult, runGang } from "./run-gang.ts";
import { createStorageBook, type StorageBook } from "./storage-book.ts";
import { tensorBytes } from "./tensor-rows.ts";

const TIMEOUT_MS = 60_000;
const CAPACITY = 16;
const [X, LEFT, RIGHT, SUM] = [1, 2, 3, 4];
const folder = mkdtempSync(join(tmpdir(), "heddle-run-gang-"));
const seats = createSeats({ cacheFolder: folder });
let members: Seat[];
let ranks: LoadedRank[];
let slots = 1000;
let calls = 0;

/** One row in: what both members have, doubled, is the sum; each keeps its own part as a row. */
function programOf(rank: number): GangProgram {
  const segment = (name: string, operator: "Add" | "Identity", input: string, output: string): GangSegment => {
    const builder = createOnnxBuilder(name);
    const x = builder.input(input, "float32", ["T", 2]);
    builder.output(builder.node(operator, operator === "Add" ? [x, x] : [x], { outputNames: [output] }), "float32", ["T", 2]);
    return { type: "segment", name, model: builder.build(), inputs: [input], outputs: [output] };
  };
  return {
    rank,
    size: 2,
    steps: [
      segment("double", "Add", "x", "part"),
      { type: "collective", name: "sum", collective: { op: "all-reduce", reduce: "sum" }, input: "part", output: "whole" },
      segment("give", "Identity", "whole", "y"),
    ],
    inputs: ["x"],
    outputs: ["part", "y"],
  };
}

const work = {
  stage: 0,
  name: "pair",
  recipes: [],
  gang: [0, 1].map((rank) => ({ program: programOf(rank), names: { [`rows@${rank}`]: "part" } })),
  ports: { ports: ["x", "rows@0", "rows@1", "y"], capacities: [undefined, CAPACITY, CAPACITY, undefined] },
};

const rows = (values: readonly number[]): HostTensor => ({ type: "f32", dims: [values.length / 2, 2], data: Float32Array.from(values) });

beforeAll(async () => {
  members = [];
  for (const id of ["left", "right"])
    members.push(await seats.open({ device: syntheticDevice(id), memoryBytes: 1e9, isolation: "inline" }));
  await seats.connect(members[0]!, members[1]!);
  ranks = await Promise.all(members.map((seat, rank) => loadRank(seat, programOf(rank))));
}, TIMEOUT_MS);
afterAll(async () => {
  await seats.close();
  rmSync(folder, { recursive: true });
});

function bind(storage: number, mode: Binding["mode"], member: number, bytes: number): Binding {
  return { handle: storage, mode, storage, member, bytes, bytesMax: bytes + 64, discard: false };
}

/** Both members have x, and a row each of what they keep. */
async function prepared(): Promise<StorageBook> {
  const book = createStorageBook();
  for (const [member, seat] of members.entries()) {
    seat.free([X, LEFT, RIGHT, SUM]);
    for (const [storage, value] of [
      [X, rows([1, 2])],
      [member === 0 ? LEFT : RIGHT, rows([7, 8])],
    ] as const) {
      await seat.put(storage, value, { capacity: CAPACITY });
      book.note(storage, value, CAPACITY);
      book.setBytes(storage, member + 1, tensorBytes(value));
    }
  }
  return book;
}

function run(
  book: StorageBook,
  at: { readonly seats?: readonly Seat[]; readonly ranks?: readonly LoadedRank[]; readonly signal?: AbortSignal } = {},
) {
  const command: StartCommand = {
    type: "start",
    run: 0,
    task: 0,
    stage: 0,
    variant: 0,
    devices: [0, 1],
    bindings: [bind(X, "read", -1, 8), bind(LEFT, "append", 0, 8), bind(RIGHT, "append", 1, 8), bind(SUM, "write", 0, 0)],
  };
  const place = {
    members: (at.seats ?? members).map((seat, member) => ({ seat, memory: member + 1, rank: (at.ranks ?? ranks)[member]! })),
    work,
    book,
    signal: at.signal ?? new AbortController().signal,
    firstCall: calls++,
    freshSlot: () => slots++,
    now: () => 0,
  };
  return runGang(command, place);
}

async function slotCounts(): Promise<readonly number[]> {
  return Promise.all(members.map(async (seat) => (await seat.telemetry()).slots));
}

async function kept(): Promise<readonly number[][]> {
  const [left, right] = await Promise.all([members[0]!.get(LEFT), members[1]!.get(RIGHT)]);
  return [left, right].map(({ data }) => [...(data as Float32Array)]);
}

const AS_BEFORE = [
  [7, 8],
  [7, 8],
];
const LONGER = [
  [7, 8, 2, 4],
  [7, 8, 2, 4],
];

async function expectSound(book: StorageBook): Promise<void> {
  const result = await run(book);
  expect(result.ok).toBe(true);
  expect(await kept()).toEqual(LONGER);
  expect([...((await members[0]!.get(SUM)).data as Float32Array)]).toEqual([4, 8]);
}

describe("a gang's run on storages", () => {
  it("appends at every member, gives the sum, and tells what each did", async () => {
    const book = await prepared();
    const before = await slotCounts();
    const result = (await run(book)) as Extract<GangResult, { ok: true }>;
    expect(result.bytes).toEqual([8, 8, 8]);
    expect(result.members.map((own) => own.map(({ kind, name }) => `${kind} ${name}`))).toEqual(
      [0, 1].map(() => ["run double", "collective sum", "run give"]),
    );
    expect(result.members.flatMap((own) => own.map(({ movedBytes }) => movedBytes > 0))).toEqual(
      [0, 1].flatMap(() => [false, true, false]),
    );
    expect(await kept()).toEqual(LONGER);
    expect([LEFT, RIGHT].map((storage, member) => book.bytesAt(storage, member + 1))).toEqual([16, 16]);
    // The sum came, and nothing else stayed.
    expect(await slotCounts()).toEqual([before[0]! + 1, before[1]]);

    await result.takeBack();
    expect(await kept()).toEqual(AS_BEFORE);
    expect(await slotCounts()).toEqual(before);
    await expectSound(book);
  });

  it("takes back what some members appended where another could not", async () => {
    const book = await prepared();
    const before = await slotCounts();
    const failing: Seat = { ...members[1]!, append: () => Promise.reject(new HeddleError("device-failed", { detail: "no room" })) };
    await expect(run(book, { seats: [members[0]!, failing] })).rejects.toMatchObject({ code: "device-failed" });
    expect(await kept()).toEqual(AS_BEFORE);
    expect(book.bytesAt(LEFT, 1)).toBe(8);
    expect(await slotCounts()).toEqual(before);
    await expectSound(book);
  });

  it("ends for all where a segment fails, and names the member", async () => {
    const book = await prepared();
    const before = await slotCounts();
    const stages = new Map(ranks[1]!.stages);
    const stage = stages.get("double")!;
    stages.set("double", { ...stage, run: (inputs) => stage.run({ ...inputs, x: 99_999 }, {}) });
    const result = await run(book, { ranks: [ranks[0]!, { ...ranks[1]!, stages }] });
    expect(result).toMatchObject({ ok: false, failure: { member: 1, error: { code: "input-invalid" } } });
    expect(await kept()).toEqual(AS_BEFORE);
    expect(await slotCounts()).toEqual(before);
    await expectSound(book);
  });

  it("can be taken back while a member waits for another", async () => {
    const book = await prepared();
    const before = await slotCounts();
    const abort = new AbortController();
    let begin: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      begin = resolve;
    });
    // The second member never comes to the collective by itself.
    const late: Seat = {
      ...members[1]!,
      collective: async (call, options) => {
        begin();
        await new Promise((resolve) => options?.signal?.addEventListener("abort", () => resolve(undefined), { once: true }));
        return members[1]!.collective(call, options);
      },
    };
    const running = run(book, { seats: [members[0]!, late], signal: abort.signal });
    await started;
    abort.abort();
    expect(await running).toMatchObject({ ok: false, failure: { error: { code: "cancelled" } } });
    expect(await kept()).toEqual(AS_BEFORE);
    expect(await slotCounts()).toEqual(before);
    await expectSound(book);
  });
});

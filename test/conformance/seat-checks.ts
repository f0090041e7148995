/** What every seat keeps, wherever its device is: one check a promise; `seat.suite.ts` runs them. */
import { expect } from "vitest";
import type { HostTensor } from "../../src/execute/device/tensor.ts";
import type { ProgramSource, Seat, SeatStage } from "../../src/execute/seat/seat-types.ts";
import { stateProgramOf } from "../../src/graph/program/state-program.ts";
import type { StateProgram } from "../../src/graph/program/state-spec.ts";
import type { SeatCase, SeatTable } from "../support/seat-cases.ts";

const COPY: StateProgram = {
  name: "copy",
  inputs: [{ name: "x", type: "f32", dims: ["n"] }],
  operators: [{ type: "Copy", inputs: ["x"], outputs: ["y"] }],
  outputs: ["y"],
};
const ROWS: StateProgram = {
  name: "rows",
  inputs: [
    { name: "x", type: "f32", dims: ["p", 2] },
    { name: "index", type: "i32", dims: ["n"] },
  ],
  operators: [
    { type: "Pack", inputs: ["x", "index"], outputs: ["rows"] },
    { type: "QuantizeInt8", inputs: ["rows"], outputs: ["codes", "scale"] },
  ],
  outputs: ["codes", "scale", "rows"],
};
/** Long enough that what is asked meanwhile is asked while it runs. */
const HASHES = 40;
const LONG: StateProgram = {
  name: "long",
  inputs: [{ name: "x", type: "f32", dims: ["n"] }],
  operators: Array.from({ length: HASHES }, (_, i) => ({ type: "Hash", inputs: ["x"], outputs: [`h${i}`] })),
  outputs: [`h${HASHES - 1}`],
};
const LONG_VALUES = 2 ** 22;
const WINDOW = 4_096;

const floats = (...values: number[]): HostTensor => ({ type: "f32", dims: [values.length], data: Float32Array.from(values) });
const valuesOf = async (seat: Seat, slot: number): Promise<number[]> => Array.from((await seat.get(slot)).data as Float32Array);
const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return "done";
  } catch (thrown) {
    return (thrown as { readonly code?: string }).code ?? String(thrown);
  }
};
const source = (program: StateProgram): ProgramSource => ({ type: "state", program });
const loaded = (seat: Seat, program: StateProgram): Promise<SeatStage> =>
  seat.load({ program: source(program), operators: program.operators.map((_, i) => i) });
/** What a check works with: three seats that are joined, with a window of `WINDOW`; `open` makes a table of its own. */
export interface SeatContext {
  readonly each: SeatCase;
  readonly table: SeatTable;
  readonly members: readonly Seat[];
}

export async function openContext(each: SeatCase): Promise<SeatContext> {
  const table = await each.open({ channelBytes: WINDOW });
  const members = await Promise.all(["a", "b", "c"].map((id) => table.take(id, 2 ** 20)));
  const [a, b, c] = members as [Seat, Seat, Seat];
  await Promise.all([table.seats.connect(a, b), table.seats.connect(b, c), table.seats.connect(c, a)]);
  return { each, table, members };
}

/** Soon, because what others still say of a collective that was given up is on its way. */
async function nothingHeld(seat: Seat): Promise<void> {
  for (let left = 100; ; left--) {
    const { slots, slotBytes, pending, unclaimedBytes, device } = await seat.telemetry();
    const held = { slots, slotBytes, pending, unclaimedBytes, held: device.heldBytes };
    if (left === 0 || Object.values(held).every((value) => value === 0)) {
      expect(held).toEqual({ slots: 0, slotBytes: 0, pending: 0, unclaimedBytes: 0, held: 0 });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A figure when it has not changed for a while, and is not 0. */
async function settled(read: () => Promise<number>): Promise<number> {
  const seen: number[] = [];
  while (seen.length < 200 && (seen.length < 5 || seen.at(-1) === 0 || new Set(seen.slice(-5)).size > 1)) {
    seen.push(await read());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return seen.at(-1)!;
}

type Check = (context: SeatContext) => Promise<void>;

const CALLS = {
  "a stage gives its outputs as slots, with types, sizes and times": async ({ members }) => {
    const [a] = members as [Seat, Seat, Seat];
    const stage = await loaded(a, ROWS);
    expect(stage.inputs.map(({ name, type }) => [name, type])).toEqual([
      ["x", "f32"],
      ["index", "i32"],
    ]);
    await a.put(1, { type: "f32", dims: [3, 2], data: Float32Array.of(1, 2, 3, 4, 127, -254) });
    await a.put(2, { type: "i32", dims: [2], data: Int32Array.of(2, 0) });
    const { outputs, busyNs, parts, waitedNs } = await stage.run({ x: 1, index: 2 }, { codes: 3, scale: 4 });
    expect(outputs).toEqual({ codes: { type: "i8", dims: [2, 2], bytes: 4 }, scale: { type: "f32", dims: [2], bytes: 8 } });
    expect(parts.reduce((sum, { ns }) => sum + ns, 0)).toBe(busyNs);
    expect(waitedNs).toBeGreaterThanOrEqual(0);
    expect(Array.from((await a.get(3)).data as Int8Array)).toEqual([64, -127, 64, 127]);
    expect(await valuesOf(a, 4)).toEqual([2, Math.fround(2 / 127)]);
    a.free([1, 2, 3, 4]);
    await stage.release();
    await nothingHeld(a);
  },

  "calls given at once see what those before them made, wherever it comes from": async ({ members }) => {
    const [a, b] = members as [Seat, Seat, Seat];
    const [there, here] = await Promise.all([loaded(a, COPY), loaded(b, COPY)]);
    const all = [
      b.receive(11, "a", { tag: 1, capacity: 4 }),
      here.run({ x: 11 }, { y: 12 }),
      b.receive(11, "a", { tag: 2, append: true }),
      here.run({ x: 11 }, { y: 13 }),
      b.append(11, 12),
      b.get(11),
      a.put(10, floats(5, 6)),
      there.run({ x: 10 }, { y: 11 }),
      a.send(11, "b", { tag: 2, rows: { from: 1, to: 2 } }),
      a.send(10, "b", { tag: 1 }),
    ];
    b.free([11]);
    a.free([10, 11]);
    const answers = await Promise.all(all);
    expect(Array.from((answers[5] as HostTensor).data as Float32Array)).toEqual([5, 6, 6, 5, 6]);
    expect(await valuesOf(b, 12)).toEqual([5, 6]);
    expect(await valuesOf(b, 13)).toEqual([5, 6, 6]);
    b.free([12, 13]);
    await Promise.all([there.release(), here.release(), nothingHeld(a), nothingHeld(b)]);
  },

  "what a run makes goes behind the rows of slots, if the run succeeds": async ({ members }) => {
    const [a] = members as [Seat, Seat, Seat];
    const stage = await loaded(a, COPY);
    await a.put(1, floats(1), { capacity: 4 });
    await a.put(2, { type: "i32", dims: [1], data: Int32Array.of(7) });
    // All given at once: each sees what those before it appended.
    const all = [
      stage.run({ x: 1 }, { y: 3 }, { appends: [{ target: 1, rows: 3 }] }),
      a.get(1),
      stage.run({ x: 1 }, { y: 4 }, { appends: [{ target: 1, rows: 4 }] }),
    ] as const;
    a.free([3, 4]);
    expect(Array.from((await all[1]).data as Float32Array)).toEqual([1, 1]);
    expect([await all[0], await all[2]].map(({ appendErrors }) => appendErrors)).toEqual([undefined, undefined]);
    expect(await valuesOf(a, 1)).toEqual([1, 1, 1, 1]);
    // Floats are no rows of integers.
    const appends = [1, 2].map((target) => ({ target, rows: 5 }));
    const { appendErrors } = await stage.run({ x: 1 }, { y: 5 }, { appends });
    expect(appendErrors?.map((error) => error?.code)).toEqual([undefined, expect.any(String)]);
    expect(Array.from((await a.get(2)).data as Int32Array)).toEqual([7]);
    expect(await codeOf(stage.run({ x: 99 }, { y: 6 }, { appends: [{ target: 1, rows: 6 }] }))).toBe("input-invalid");
    expect((await valuesOf(a, 1)).length).toBe(8);
    a.free([1, 2, 5, 6]);
    await stage.release();
    await nothingHeld(a);
  },

  "a tensor without rows goes everywhere": async ({ members }) => {
    const [a, b] = members as [Seat, Seat, Seat];
    const none: HostTensor = { type: "f32", dims: [0, 3], data: new Float32Array(0) };
    await a.put(1, none);
    const receive = b.receive(1, "a", { tag: 1 });
    await a.send(1, "b", { tag: 1 });
    expect(await receive).toMatchObject({ dims: [0, 3], bytes: 0 });
    expect(await b.get(1)).toEqual(none);
    for (const seat of [a, b]) seat.free([1]);
    await Promise.all([nothingHeld(a), nothingHeld(b)]);
  },

  "a failure is that of the call and of what waited for it; the seat goes on": async ({ members }) => {
    const [a] = members as [Seat, Seat, Seat];
    expect(await codeOf(a.get(99))).toBe("input-invalid");
    const big: HostTensor = { type: "u8", dims: [2 ** 20 + 1], data: new Uint8Array(2 ** 20 + 1) };
    const refused = a.put(1, big);
    const waited = a.copy(1, 2);
    expect([await codeOf(refused), await codeOf(waited)]).toEqual(["capacity", "capacity"]);
    await a.put(1, floats(1));
    expect(await codeOf(a.put(1, floats(2)))).toBe("input-invalid");
    expect(await valuesOf(a, 1)).toEqual([1]);
    const wrong = await loaded(a, ROWS);
    await a.put(2, { type: "i32", dims: [1], data: Int32Array.of(0) });
    expect(await codeOf(wrong.run({ x: 1, index: 2 }, { codes: 3 }))).toBe("input-invalid");
    expect(await codeOf(a.send(1, "nobody", { tag: 1 }))).toBe("input-invalid");
    expect(
      await codeOf(a.load({ program: source({ ...COPY, operators: [{ type: "Bake", inputs: ["x"], outputs: ["y"] }] }), operators: [0] })),
    ).toBe("graph-invalid");
    await wrong.release();
    a.free([1, 2, 3]);
    await nothingHeld(a);
  },

  "a call that has not begun can be taken back; what comes later still arrives": async ({ members }) => {
    const [a, b] = members as [Seat, Seat, Seat];
    const stop = new AbortController();
    const receive = a.receive(1, "b", { tag: 7, signal: stop.signal });
    const waiting = a.copy(1, 2);
    stop.abort();
    expect([await codeOf(receive), await codeOf(waiting)]).toEqual(["cancelled", "cancelled"]);
    await b.put(1, floats(3));
    await b.send(1, "a", { tag: 7 });
    await a.receive(3, "b", { tag: 7 });
    expect(await valuesOf(a, 3)).toEqual([3]);
    a.free([1, 2, 3]);
    b.free([1]);
    await Promise.all([nothingHeld(a), nothingHeld(b)]);
  },

  "what nobody asks for stays within the window, and what is asked for comes in any order": async ({ members }) => {
    const [a, b] = members as [Seat, Seat, Seat];
    const rows = 300;
    const count = 24;
    const sent: Promise<unknown>[] = [];
    for (let i = 0; i < count; i++) {
      sent.push(a.put(i, floats(...Array.from({ length: rows }, (_, k) => i * rows + k))), a.send(i, "b", { tag: i % 12 }));
      a.free([i]);
    }
    const unclaimed = await settled(async () => (await b.telemetry()).unclaimedBytes);
    expect(unclaimed).toBeGreaterThan(0);
    expect(unclaimed).toBeLessThanOrEqual(WINDOW);
    const order = Array.from({ length: count }, (_, i) => (i * 7) % 12);
    await Promise.all(order.map((tag, i) => b.receive(i, "a", { tag })));
    await Promise.all(sent);
    const seen = new Map<number, number>();
    for (const [i, tag] of order.entries()) {
      const nth = seen.get(tag) ?? 0;
      seen.set(tag, nth + 1);
      expect((await valuesOf(b, i))[0]).toBe((tag + 12 * nth) * rows);
    }
    b.free(order.map((_, i) => i));
    await Promise.all([nothingHeld(a), nothingHeld(b)]);
  },

  "collectives give every member its result": async ({ members }) => {
    const ids = members.map(({ id }) => id);
    const gather = async (
      op: "all-gather" | "broadcast" | "all-to-all" | "all-reduce" | "reduce-scatter",
      call: number,
    ): Promise<number[][]> => {
      const collective =
        op === "broadcast" ? { op, root: 1 } : op === "all-reduce" || op === "reduce-scatter" ? { op, reduce: "sum" as const } : { op };
      const results = await Promise.all(
        members.map(async (seat, rank) => {
          await seat.put(1, floats(...[1, 2, 3].map((value) => value + 10 * rank)));
          const info = await seat.collective({ call, members: ids, collective, input: 1, output: 2 });
          expect(info.movedBytes).toBeGreaterThan(0);
          const values = await valuesOf(seat, 2);
          seat.free([1, 2]);
          return values;
        }),
      );
      return results;
    };
    const whole = [1, 2, 3, 11, 12, 13, 21, 22, 23];
    expect(await gather("all-gather", 1)).toEqual([whole, whole, whole]);
    expect(await gather("broadcast", 2)).toEqual([
      [11, 12, 13],
      [11, 12, 13],
      [11, 12, 13],
    ]);
    expect(await gather("all-to-all", 3)).toEqual([
      [1, 11, 21],
      [2, 12, 22],
      [3, 13, 23],
    ]);
    expect(await gather("all-reduce", 4)).toEqual([
      [33, 36, 39],
      [33, 36, 39],
      [33, 36, 39],
    ]);
    expect(await gather("reduce-scatter", 5)).toEqual([[33], [36], [39]]);
    await Promise.all(members.map(nothingHeld));
  },

  "a member that gives up ends the collective for all": async ({ members }) => {
    const [a, , c] = members as [Seat, Seat, Seat];
    const ids = members.map(({ id }) => id);
    const stop = new AbortController();
    const calls = members.map(async (seat) => {
      await seat.put(1, floats(1, 2, 3));
      if (seat === c) return seat.collective({ call: 9, members: ids, collective: { op: "all-gather" }, input: 77, output: 2 });
      return seat.collective({ call: 9, members: ids, collective: { op: "all-gather" }, input: 1, output: 2 }, { signal: stop.signal });
    });
    expect(await Promise.all(calls.map(codeOf))).toEqual(["device-failed", "device-failed", "input-invalid"]);
    const half = a
      .put(3, floats(1))
      .then(() =>
        a.collective({ call: 10, members: ["a", "b"], collective: { op: "all-gather" }, input: 3, output: 4 }, { signal: stop.signal }),
      );
    await a.telemetry();
    stop.abort();
    expect(await codeOf(half)).toBe("cancelled");
    for (const seat of members) seat.free([1, 2, 3, 4]);
    await Promise.all(members.map(nothingHeld));
  },

  "a program from memory is delivered once and loaded": async ({ members }) => {
    const [a] = members as [Seat, Seat, Seat];
    const { model } = stateProgramOf(COPY).stage([0]);
    const program: ProgramSource = { type: "onnx-bytes", model: model.model };
    expect(await a.supports(program, [0])).toEqual([{ ok: true }]);
    const stages = await Promise.all([0, 1].map(() => a.load({ program, operators: [0] })));
    await a.put(1, floats(4, 2));
    await Promise.all(stages.map((stage, i) => stage.run({ x: 1 }, { y: 2 + i })));
    expect(await valuesOf(a, 3)).toEqual([4, 2]);
    await stages[0]!.release();
    await stages[1]!.run({ x: 1 }, { y: 4 });
    await stages[1]!.release();
    expect(await codeOf(stages[1]!.run({ x: 1 }, { y: 5 }))).toBe("input-invalid");
    a.free([1, 2, 3, 4, 5]);
    await nothingHeld(a);
  },

  "estimates come from runs of the device": async ({ members }) => {
    const [a] = members as [Seat, Seat, Seat];
    const fresh = await a.estimate({ program: source(LONG), operators: [0] }, { n: 4 });
    expect(fresh).toHaveProperty("noBasis");
    const stage = await loaded(a, COPY);
    await a.put(1, floats(...Array.from({ length: 4_096 }, () => 1)));
    for (let i = 0; i < 5; i++) await stage.run({ x: 1 }, {});
    const known = await a.estimate({ program: source(COPY), operators: [0] }, { n: 4_000 });
    expect(known).toMatchObject({ basis: "interpolated" });
    a.free([1]);
    await stage.release();
    await nothingHeld(a);
  },

  "after drain runs are refused; after close the seat is gone without an error": async ({ each }) => {
    const own = await each.open();
    try {
      const seat = await own.take("d");
      const stage = await loaded(seat, COPY);
      await seat.put(1, floats(1));
      const run = stage.run({ x: 1 }, { y: 2 });
      await seat.drain();
      expect(await codeOf(run)).toBe("done");
      expect(await codeOf(stage.run({ x: 1 }, { y: 3 }))).toBe("draining");
      await seat.close();
      expect(await seat.ended).toBeUndefined();
      expect(await codeOf(seat.telemetry())).toBe("host-lost");
    } finally {
      await own.close();
    }
  },
} satisfies Record<string, Check>;

/** Calls that wait when the victim dies. */
const PHASES: Readonly<Record<string, (seats: { victim: Seat; left: Seat; other: Seat }) => Promise<readonly Promise<unknown>[]>>> = {
  running: async ({ victim, left }) => {
    const stage = await loaded(victim, LONG);
    await victim.put(1, { type: "f32", dims: [LONG_VALUES], data: new Float32Array(LONG_VALUES) });
    return [stage.run({ x: 1 }, { h39: 2 }), victim.send(2, "left", { tag: 1 }), left.receive(3, "victim", { tag: 1 })];
  },
  loading: async ({ victim, left }) => {
    const stage = await loaded(victim, LONG);
    await victim.put(1, { type: "f32", dims: [LONG_VALUES], data: new Float32Array(LONG_VALUES) });
    return [stage.run({ x: 1 }, {}), loaded(victim, COPY), left.receive(3, "victim", { tag: 1 })];
  },
  sending: async ({ left }) => {
    const values = 2 ** 16;
    await left.put(1, { type: "f32", dims: [values], data: new Float32Array(values) });
    return [left.send(1, "victim", { tag: 1 }), left.copy(1, 3).then(() => left.send(3, "victim", { tag: 2 }))];
  },
  receiving: async ({ victim, left }) => [left.receive(3, "victim", { tag: 1 }), left.copy(3, 4), victim.receive(3, "left", { tag: 2 })],
  "in a collective": async ({ victim, left, other }) => {
    await Promise.all([left, other].map((seat) => seat.put(1, floats(1, 2, 3))));
    const call = {
      call: 1,
      members: ["victim", "left", "other"],
      collective: { op: "all-reduce", reduce: "sum" },
      input: 1,
      output: 2,
    } as const;
    // The victim waits for a tensor that never comes, the others for the victim.
    return [left.collective(call), other.collective(call), victim.receive(1, "left", { tag: 5 }), victim.collective(call)];
  },
};

async function dies(each: SeatCase, phase: string): Promise<void> {
  const own = await each.open({ channelBytes: WINDOW });
  try {
    const [victim, left, other] = (await Promise.all(["victim", "left", "other"].map((id) => own.take(id)))) as [Seat, Seat, Seat];
    await Promise.all([own.seats.connect(victim, left), own.seats.connect(other, victim), own.seats.connect(left, other)]);
    const pending = (await PHASES[phase]!({ victim, left, other })).map(codeOf);
    await left.telemetry();
    own.kill(victim);
    expect([...new Set(await Promise.all(pending))]).toEqual(["host-lost"]);
    expect(await victim.ended).toMatchObject({ code: "host-lost" });
    expect(await codeOf(victim.telemetry())).toBe("host-lost");
    await left.put(20, floats(8));
    await left.send(20, "other", { tag: 1 });
    await other.receive(20, "left", { tag: 1 });
    expect(await valuesOf(other, 20)).toEqual([8]);
    for (const seat of [left, other]) seat.free([1, 2, 3, 4, 20]);
    await Promise.all([left, other].map(nothingHeld));
  } finally {
    await own.close();
  }
}

export const SEAT_CHECKS: Readonly<Record<string, Check>> = {
  ...CALLS,
  ...Object.fromEntries(Object.keys(PHASES).map((phase) => [deathIn(phase), ({ each }: SeatContext) => dies(each, phase)])),
};

/** A thread cannot be stopped while it computes: it ends after it. */
export const ONLY_APART: readonly string[] = ["running", "loading"].map(deathIn);

function deathIn(phase: string): string {
  return `what dies while ${phase} ends what waits for it, and nothing else`;
}

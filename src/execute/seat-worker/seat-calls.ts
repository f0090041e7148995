import { collectiveCall, receiveCall, sendCall } from "./move-calls.ts";
import { inTurn, runCall } from "./run-call.ts";
import type { SeatCall } from "./seat-call.ts";
import type { ToSeat } from "./seat-messages.ts";
import type { Answer, SeatParts } from "./seat-parts.ts";
import { appendRows, filled } from "./slot-fill.ts";
import type { Held } from "./slot-table.ts";
import { bytesOfTensor, ownedCopy, rowsOf, tensorOfBytes } from "./tensor-bytes.ts";

type Call<T extends ToSeat["t"]> = (parts: SeatParts, call: SeatCall, message: MessageOf<T>) => Promise<Answer>;
type MessageOf<T> = T extends "load" | "estimate"
  ? Extract<ToSeat, { t: "load" | "estimate" }>
  : T extends "telemetry" | "drain"
    ? Extract<ToSeat, { t: "telemetry" | "drain" | "close" }>
    : T extends "spool-has" | "spooled"
      ? Extract<ToSeat, { t: "spooled" | "spool-has" }>
      : Extract<ToSeat, { t: T }>;

/** Calls that the thread of a seat answers itself, by name; hosts answer `pair` and `dial`. */
export const SEAT_CALLS = {
  supports: async ({ programs, device }, call, { program: wire, operators }) => {
    call.begin();
    const { program } = await programs.open(wire);
    return { value: operators.map((operator) => device.supports(program.graph, operator)) };
  },
  load: async ({ stages }, call, message) => {
    call.begin();
    const { stage, compileNs, loadNs } = await stages.load(message);
    const { weightBytes, stage: model } = stage.resident.compiled;
    const portsOf = (ports: typeof model.inputs): unknown => ports.map(({ name, tensor, type }) => ({ name, tensor, type }));
    return {
      value: { stage: stage.number, inputs: portsOf(model.inputs), outputs: portsOf(model.outputs), weightBytes, compileNs, loadNs },
    };
  },
  estimate: async ({ programs, device }, call, message) => {
    call.begin();
    const { program } = await programs.open(message.program);
    return { value: device.estimate(program.stage(message.operators), message.sizes ?? {}) };
  },
  release: async ({ runs, stages }, call, { stage }) => {
    call.begin();
    return inTurn(runs, async () => {
      await stages.release(stage);
      return {};
    });
  },
  run: (parts, call, message) => runCall(parts, call, message),
  put: async ({ slots, device }, call, { slot, capacity, type, dims, payload }) => {
    const target = slots.fill(slot);
    return filled(slots, target, async () => {
      call.begin();
      return device.upload(tensorOfBytes(type, dims, payload), capacity < 0 ? {} : { capacity });
    });
  },
  get: async ({ slots, device }, call, { slot, from, to }) => {
    const held = slots.use(slot);
    try {
      const tensor = await call.slot(slots, held);
      call.begin();
      const host = rowsOf(await device.download(tensor), from, to);
      return { value: [host.type, host.dims], payload: ownedCopy(bytesOfTensor(host)) };
    } finally {
      slots.release(held);
    }
  },
  copy: async ({ slots, device }, call, { slot, target }) => {
    const held = slots.use(slot);
    const made = fillOrRelease(slots, [held], target);
    return filled(slots, made, async () => {
      try {
        const tensor = await call.slot(slots, held);
        call.begin();
        return await device.copy(tensor);
      } finally {
        slots.release(held);
      }
    });
  },
  append: (parts, call, message) =>
    appendRows(parts, message, async (held) => {
      const more = await call.slot(parts.slots, held);
      call.begin();
      return more;
    }),
  send: (parts, call, message) => sendCall(parts, call, message),
  receive: (parts, call, message) => receiveCall(parts, call, message),
  collective: (parts, call, message) => collectiveCall(parts, call, message),
  telemetry: async (parts) => {
    const { device, slots, peers, pending } = parts;
    const seat = { slots: slots.count, slotBytes: slots.bytes, pending: pending() - 1 };
    return { value: { device: device.telemetry(), ...seat, ...peers.moved, unclaimedBytes: peers.unclaimedBytes } };
  },
  drain: async ({ device, runs }) => {
    await Promise.all([device.drain(), runs.idle()]);
    return {};
  },
  "spool-has": async ({ spool }, _call, { key }) => ({ value: spool.has(key) }),
  spool: async ({ spool }, _call, { key, name, offset, payload }) => {
    spool.write(key, { name, offset, bytes: payload });
    return {};
  },
  spooled: async ({ spool }, _call, { key, files }) => {
    await spool.finish(key, files);
    return {};
  },
} satisfies { readonly [T in Exclude<ToSeat["t"], "free" | "cancel" | "close" | "pair" | "dial">]: Call<T> } as Readonly<
  Partial<Record<ToSeat["t"], unknown>>
>;

function fillOrRelease(slots: SeatParts["slots"], used: readonly Held[], slot: number): Held {
  try {
    return slots.fill(slot);
  } catch (thrown) {
    for (const held of used) slots.release(held);
    throw thrown;
  }
}

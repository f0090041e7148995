/** One way of breaking each promise of seats; the suite shows that the checks find them. */
import type { Seat, SeatStage } from "../../src/execute/seat/seat-types.ts";
import type { SeatCase, SeatTable } from "../support/seat-cases.ts";

export interface SeatFault {
  readonly check: string;
  readonly fault: string;
  /** The check waits for what does not come any more. */
  readonly waits?: true;
  readonly wrap: SeatWrap;
}

interface SeatWrap {
  readonly seat?: (seat: Seat) => Partial<Seat>;
  readonly stage?: (stage: SeatStage) => Partial<SeatStage>;
  readonly channelBytes?: number;
  readonly kill?: (seat: Seat) => void;
}

const death = (phase: string): string => `what dies while ${phase} ends what waits for it, and nothing else`;
const spared: SeatWrap = { kill: () => undefined };

export const SEAT_FAULTS: readonly SeatFault[] = [
  {
    check: "a stage gives its outputs as slots, with types, sizes and times",
    fault: "times do not add up",
    wrap: { stage: (stage) => ({ run: async (...given) => ({ ...(await stage.run(...given)), busyNs: 1 }) }) },
  },
  {
    check: "a stage gives its outputs as slots, with types, sizes and times",
    fault: "a slot is not freed",
    waits: true,
    wrap: { seat: (seat) => ({ free: (slots) => seat.free(slots.slice(1)) }) },
  },
  {
    check: "calls given at once see what those before them made, wherever it comes from",
    fault: "rows that are received take the place of those that are there",
    wrap: { seat: (seat) => ({ append: (target) => seat.copy(target, 1_000) }) },
  },
  {
    check: "what a run makes goes behind the rows of slots, if the run succeeds",
    fault: "nothing is appended",
    wrap: { stage: (stage) => ({ run: (given, wanted) => stage.run(given, wanted) }) },
  },
  {
    check: "what a run makes goes behind the rows of slots, if the run succeeds",
    fault: "no append fails",
    wrap: {
      stage: (stage) => ({
        run: async (...given) => {
          const { appendErrors: _none, ...run } = await stage.run(...given);
          return run;
        },
      }),
    },
  },
  {
    check: "a tensor without rows goes everywhere",
    fault: "it comes back as one row",
    wrap: { seat: (seat) => ({ get: async (...given) => ({ ...(await seat.get(...given)), dims: [1, 0] }) }) },
  },
  {
    check: "a failure is that of the call and of what waited for it; the seat goes on",
    fault: "a failed put is no failure",
    wrap: {
      seat: (seat) => ({ put: (slot, tensor) => seat.put(slot, tensor).catch(() => ({ type: tensor.type, dims: tensor.dims, bytes: 0 })) }),
    },
  },
  {
    check: "a call that has not begun can be taken back; what comes later still arrives",
    fault: "the signal is not heard",
    waits: true,
    wrap: { seat: (seat) => ({ receive: (slot, from, { tag }) => seat.receive(slot, from, { tag }) }) },
  },
  {
    check: "what nobody asks for stays within the window, and what is asked for comes in any order",
    fault: "there is no window",
    wrap: { channelBytes: 2 ** 30 },
  },
  {
    check: "collectives give every member its result",
    fault: "sums are maxima",
    wrap: {
      seat: (seat) => ({
        collective: (call, options) =>
          seat.collective(
            call.collective.op === "all-reduce" ? { ...call, collective: { op: "all-reduce", reduce: "max" } } : call,
            options,
          ),
      }),
    },
  },
  {
    check: "a member that gives up ends the collective for all",
    fault: "the others are not told",
    waits: true,
    wrap: { seat: (seat) => (seat.id === "c" ? { collective: () => Promise.reject(new RangeError("kept to itself")) } : {}) },
  },
  {
    check: "a program from memory is delivered once and loaded",
    fault: "the first release takes the stage off for all",
    wrap: {
      stage: (stage) => ({
        release: async () => Promise.all([stage.release(), stage.release().catch(() => undefined)]).then(() => undefined),
      }),
    },
  },
  {
    check: "estimates come from runs of the device",
    fault: "they are made up",
    wrap: { seat: () => ({ estimate: async () => ({ valueNs: 1, lowNs: 1, highNs: 1, basis: "interpolated", source: "nothing" }) }) },
  },
  {
    check: "after drain runs are refused; after close the seat is gone without an error",
    fault: "drain does nothing",
    wrap: { seat: () => ({ drain: async () => undefined }) },
  },
  { check: death("sending"), fault: "it lives on", waits: true, wrap: spared },
  { check: death("receiving"), fault: "it lives on", waits: true, wrap: spared },
  { check: death("in a collective"), fault: "it lives on", waits: true, wrap: spared },
];

/** The same seats, with a fault around each. */
export function faulty(each: SeatCase, wrap: SeatWrap): SeatCase {
  const open = async (options: { readonly channelBytes?: number } = {}): Promise<SeatTable> => {
    const table = await each.open(wrap.channelBytes === undefined ? options : { channelBytes: wrap.channelBytes });
    const inner = new Map<Seat, Seat>();
    const innerOf = (seat: Seat): Seat => inner.get(seat) ?? seat;
    return {
      ...table,
      seats: { ...table.seats, connect: (left, right) => table.seats.connect(innerOf(left), innerOf(right)) },
      take: async (id, memoryBytes) => {
        const seat = await table.take(id, memoryBytes);
        const load: Seat["load"] = async (...given) => {
          const stage = await seat.load(...given);
          return { ...stage, ...wrap.stage?.(stage) };
        };
        const outer = { ...seat, load, ...wrap.seat?.(seat) };
        inner.set(outer, seat);
        return outer;
      },
      kill: (seat) => (wrap.kill === undefined ? table.kill(innerOf(seat)) : wrap.kill(innerOf(seat))),
    };
  };
  return { ...each, open };
}

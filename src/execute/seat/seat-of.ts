import { HeddleError } from "../../base/heddle-error.ts";
import type { HostTensor, TensorType } from "../device/tensor.ts";
import type { WireRun, WireSlot } from "../seat-worker/seat-messages.ts";
import { bytesOfTensor, ownedCopy, tensorOfBytes } from "../seat-worker/tensor-bytes.ts";
import type { ProgramCourier } from "./program-courier.ts";
import type { SeatClient } from "./seat-client.ts";
import { slotInfo } from "./seat-client.ts";
import { errorOf } from "./seat-link.ts";
import type { Seat, SeatPort, SeatRun, SeatStage, SlotId, SlotInfo } from "./seat-types.ts";

export interface SeatFacts {
  readonly id: string;
  readonly pid: number | undefined;
  readonly description: Seat["description"];
  readonly courier: ProgramCourier;
  readonly kill: () => void;
}

/** A seat over a client: its calls as messages. */
export function seatOf(client: SeatClient, facts: SeatFacts): Seat {
  const { courier } = facts;
  const { ask, free } = withFrees(client);
  const nothing = (): void => undefined;
  const slot = ({ value }: { readonly value?: unknown }): SlotInfo => slotInfo(value as WireSlot);
  return {
    id: facts.id,
    pid: facts.pid,
    description: facts.description,
    ended: client.ended,
    kill: facts.kill,
    supports: async (program, operators) => {
      const message = { t: "supports", program: await courier.deliver(program), operators };
      return ask(message, ({ value }) => value as Awaited<ReturnType<Seat["supports"]>>);
    },
    load: async ({ program, operators, sizes }, options) => {
      const message = { t: "load", program: await courier.deliver(program), operators, sizes: sizes ?? null };
      return ask(message, ({ value }) => stageOf(ask, value as LoadedWire), options);
    },
    estimate: async ({ program, operators }, sizes) => {
      const message = { t: "estimate", program: await courier.deliver(program), operators, sizes };
      return ask(message, ({ value }) => value as Awaited<ReturnType<Seat["estimate"]>>);
    },
    put: (target, tensor, options) => {
      const payload = ownedCopy(bytesOfTensor(tensor));
      return ask(
        { t: "put", slot: target, capacity: options?.capacity ?? -1, type: tensor.type, dims: tensor.dims, payload },
        slot,
        options,
      );
    },
    get: (source, options) => {
      const { from, to } = options?.rows ?? { from: 0, to: -1 };
      return ask({ t: "get", slot: source, from, to }, ({ value, payload }) => hostTensor(value, payload), options);
    },
    copy: (source, target, options) => ask({ t: "copy", slot: source, target }, slot, options),
    append: (target, rows, options) => ask({ t: "append", slot: target, rows }, slot, options),
    free,
    send: (source, to, options) => {
      const { from, to: until } = options.rows ?? { from: 0, to: -1 };
      const read = ({ value }: { readonly value?: unknown }): Awaited<ReturnType<Seat["send"]>> =>
        value as Awaited<ReturnType<Seat["send"]>>;
      return ask({ t: "send", slot: source, to, tag: options.tag, from, until }, read, options);
    },
    receive: (target, from, options) => {
      const { tag, append = false, capacity = -1 } = options;
      return ask({ t: "receive", slot: target, from, tag, append, capacity }, slot, options);
    },
    collective: ({ call, members, collective, input, output }, options) =>
      ask(
        { t: "collective", call, members, collective, slot: input, target: output },
        ({ value }) => {
          const [wire, movedBytes, movedNs] = value as readonly [WireSlot, number, number];
          return { ...slotInfo(wire), movedBytes, movedNs };
        },
        options,
      ),
    telemetry: () => ask({ t: "telemetry" }, ({ value }) => value as Awaited<ReturnType<Seat["telemetry"]>>),
    drain: () => ask({ t: "drain" }, nothing),
    close: async () => {
      client.expectEnd();
      // The worker ends right after its answer, which may end with it: then too everything there is gone.
      await ask({ t: "close" }, nothing).catch((thrown: unknown) => {
        if (!(thrown instanceof HeddleError) || thrown.code !== "host-lost") throw thrown;
      });
      client.finish();
    },
  };
}

interface LoadedWire {
  readonly stage: number;
  readonly inputs: readonly SeatPort[];
  readonly outputs: readonly SeatPort[];
  readonly weightBytes: number;
  readonly compileNs: number;
  readonly loadNs: number;
}

/** How long slots may wait for a call that takes the word of their freeing along. Units: ms. */
const FREE_WAITS_MS = 2;

/** Freed slots go with the next call: a message less each. */
function withFrees(client: SeatClient): { readonly ask: SeatClient["ask"]; readonly free: Seat["free"] } {
  let freed: SlotId[] = [];
  let waits = false;
  const flush = (): void => {
    waits = false;
    if (freed.length > 0) client.tell({ t: "free", slots: freed });
    freed = [];
  };
  return {
    ask: (message, read, options) => {
      if (freed.length === 0 || options?.signal?.aborted === true) return client.ask(message, read, options);
      const slots = freed;
      freed = [];
      return client.ask({ ...message, f: slots }, read, options);
    },
    free: (slots) => {
      for (const slot of slots) freed.push(slot);
      if (!waits) setTimeout(flush, FREE_WAITS_MS).unref();
      waits = true;
    },
  };
}

function stageOf(ask: SeatClient["ask"], loaded: LoadedWire): SeatStage {
  const { stage, inputs, outputs, weightBytes, compileNs, loadNs } = loaded;
  const slotOr = (slots: Readonly<Record<string, SlotId>>, name: string): SlotId => (Object.hasOwn(slots, name) ? slots[name]! : -1);
  const runOf = (value: unknown): SeatRun => {
    const { o, waitedNs, busyNs, parts, a } = value as WireRun;
    const made: Record<string, SlotInfo> = {};
    o.forEach((wire, i) => {
      if (wire !== null) made[outputs[i]!.name] = slotInfo(wire);
    });
    const run = { outputs: made, waitedNs, busyNs, parts };
    return a === undefined ? run : { ...run, appendErrors: a.map((failure) => (failure === null ? undefined : errorOf(failure))) };
  };
  return {
    inputs,
    outputs,
    weightBytes,
    compileNs,
    loadNs,
    run: (given, wanted, options) => {
      const i = inputs.map(({ name }) => slotOr(given, name));
      const o = outputs.map(({ name }) => slotOr(wanted, name));
      const appends = options?.appends ?? [];
      const a = appends.length === 0 ? {} : { a: appends.map(({ target, rows }) => [target, rows]) };
      return ask({ t: "run", stage, i, o, ...a }, ({ value }) => runOf(value), options);
    },
    release: () => ask({ t: "release", stage }, () => undefined),
  };
}

function hostTensor(value: unknown, payload: Uint8Array | undefined): HostTensor {
  const [type, dims] = value as readonly [TensorType, readonly number[]];
  return tensorOfBytes(type, dims, payload ?? new Uint8Array(0));
}

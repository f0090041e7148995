import { must } from "../../base/assert.ts";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import type { Bytes, Nanoseconds } from "../../base/units.ts";
import type { Clock } from "../../clock/clock.ts";
import {
  type DataflowCommand,
  type DataflowEvent,
  type DataflowFailure,
  type DataflowRack,
  type DeviceId,
  type FetchId,
  type HandleId,
  HOME,
  type LinkId,
  type Refusal,
  type RunId,
  type StageId,
  type StartCommand,
  type StorageId,
  type TaskId,
  type TransferCommand,
} from "../../engine/dataflow/dataflow-types.ts";
import type { Engine } from "../../engine/engine.ts";
import type { HostTensor } from "../device/tensor.ts";
import { type LoadedRank, loadRank } from "../gang/load-rank.ts";
import { collectivesOf } from "../gang/run-ranks.ts";
import type { Seat, SeatStage } from "../seat/seat-types.ts";
import type { ExecutorWatch } from "./executor-watch.ts";
import { failureError, refusalError } from "./failure-error.ts";
import { linkTimes } from "./link-time.ts";
import { moveStorage } from "./move-storage.ts";
import { pacedLinks } from "./paced-links.ts";
import { type GangResult, runGang } from "./run-gang.ts";
import { runStage } from "./run-stage.ts";
import type { StageWork } from "./stage-work.ts";
import { createStop, type Stop } from "./stop.ts";
import { createStorageBook } from "./storage-book.ts";
import { rowsOf, tensorBytes } from "./tensor-rows.ts";

/** Does what a dataflow engine commands, on seats, by the wall clock; answers become the engine's events. */
export interface DataflowExecutor {
  /** An event of the client. */
  dispatch(event: DataflowEvent): void;
  /** Gives a handle a value from outside. `capacity`: rows its copies have room for. */
  put(handle: HandleId, value: HostTensor, capacity?: number): void;
  /** The value a handle has after everything submitted so far. Errors: what its task failed with. */
  fetch(handle: HandleId): Promise<HostTensor>;
  /** The error that made a task fail, where the engine's answer names only its text. */
  errorOf(task: TaskId): HeddleError | undefined;
  /** Takes no more answers; pending fetches end with `cancelled`. The caller closes the seats. */
  close(): void;
}

export interface ExecutorOptions {
  readonly engine: Engine<DataflowEvent, DataflowCommand, unknown>;
  readonly clock: Clock;
  readonly rack: DataflowRack;
  /** By device. */
  readonly seats: readonly Seat[];
  readonly stageOf: (stage: StageId) => StageWork;
  readonly client: ExecutorClient;
  readonly watch: ExecutorWatch;
  readonly record?: (event: DataflowEvent, now: Nanoseconds, commands: readonly DataflowCommand[]) => void;
  /** Wall time a transfer is to take at least, where a link is emulated; transfers of one channel take turns. */
  readonly pacedNs?: (link: LinkId, bytes: Bytes) => Nanoseconds | undefined;
  /** Opens a device anew after its process was lost; absent: it does not come back. */
  readonly reopen?: (device: DeviceId) => Promise<Seat>;
}

export interface ExecutorClient {
  taskEnded(task: TaskId, failure: DataflowFailure | undefined): void;
  rejected(refusal: Refusal, what: { readonly first?: TaskId; readonly handle?: HandleId }): void;
  accepting(accepting: boolean): void;
  /** The engine or the executor broke a promise of its own: nothing goes on. */
  broken(error: HeddleError): void;
}

/** Slots that are no storage: numbers beyond all of the engine's. */
const FRESH_SLOTS_FROM = 2 ** 40;
/** How long an answer that names a lost worker waits for word of which one. Units: ms. */
const WORD_OF_LOSS_MS = 2_000;
const REOPEN_ATTEMPTS = 3;

interface Live {
  readonly options: ExecutorOptions;
  readonly seats: Seat[];
  readonly stages: Map<string, SeatStage>;
  /** As `stages`, of gangs: what a device holds of one is that of one member. */
  readonly ranks: Map<string, LoadedRank>;
  readonly runs: Map<RunId, Stop>;
  readonly errors: Map<TaskId, HeddleError>;
  readonly book: ReturnType<typeof createStorageBook>;
  readonly puts: Map<HandleId, { readonly value: HostTensor; readonly capacity: number | undefined }[]>;
  readonly fetches: Map<FetchId, { resolve: (value: HostTensor) => void; reject: (error: HeddleError) => void }>;
  /** Whose bytes a storage holds. */
  readonly handles: Map<StorageId, HandleId>;
  readonly queue: DataflowEvent[];
  readonly lostSeats: Set<Seat>;
  readonly pace: ReturnType<typeof pacedLinks>;
  /** When the last run or load was over. */
  readonly busyUntil: WeakMap<Seat, Nanoseconds>;
  readonly linkTimeNs: ReturnType<typeof linkTimes>;
  stepping: boolean;
  open: boolean;
  slots: number;
  nextFetch: number;
  /** Collectives of all gangs so far: members tell calls apart by their number. */
  collectives: number;
}

export function createDataflowExecutor(options: ExecutorOptions): DataflowExecutor {
  const live: Live = {
    options,
    seats: [...options.seats],
    stages: new Map(),
    ranks: new Map(),
    runs: new Map(),
    errors: new Map(),
    book: createStorageBook(),
    puts: new Map(),
    fetches: new Map(),
    handles: new Map(),
    queue: [],
    lostSeats: new Set(),
    pace: pacedLinks(options),
    busyUntil: new WeakMap(),
    linkTimeNs: linkTimes(options.rack),
    stepping: false,
    open: true,
    slots: FRESH_SLOTS_FROM,
    nextFetch: 0,
    collectives: 0,
  };
  for (const device of live.seats.keys()) attend(live, device);
  return {
    dispatch: (event) => dispatch(live, event),
    put: (handle, value, capacity) => {
      live.puts.set(handle, [...(live.puts.get(handle) ?? []), { value, capacity }]);
      dispatch(live, { type: "put", handle, bytes: tensorBytes(value) });
    },
    fetch: (handle) =>
      new Promise((resolve, reject) => {
        const fetch = live.nextFetch++;
        live.fetches.set(fetch, { resolve, reject });
        dispatch(live, { type: "fetch", fetch, handle });
      }),
    errorOf: (task) => live.errors.get(task),
    close: () => end(live, new HeddleError("cancelled", { where: "the rack is closed" })),
  };
}

/** Takes no more answers; who waits for a value gets the error. */
function end(live: Live, error: HeddleError): void {
  live.open = false;
  for (const run of live.runs.values()) run.stop();
  for (const { reject } of live.fetches.values()) reject(error);
  live.fetches.clear();
}

/** Steps the engine, one event after another: what a command causes at once waits its turn. */
function dispatch(live: Live, event: DataflowEvent): void {
  if (!live.open) return;
  live.queue.push(event);
  if (live.stepping) return;
  live.stepping = true;
  const { engine, clock, record } = live.options;
  try {
    for (let next = live.queue.shift(); next !== undefined; next = live.queue.shift()) {
      const now = clock.now();
      const commands = engine.step(next, now);
      // A device that waits for its next run does not wait for the ledger.
      try {
        for (const command of commands) perform(live, command);
      } finally {
        record?.(next, now, commands);
      }
    }
  } catch (thrown) {
    end(live, toHeddleError(thrown));
    live.options.client.broken(toHeddleError(thrown));
  } finally {
    live.stepping = false;
  }
}

function perform(live: Live, command: DataflowCommand): void {
  const { client } = live.options;
  switch (command.type) {
    case "start":
      start(live, command);
      return;
    case "abort":
      live.runs.get(command.run)?.stop();
      return;
    case "load":
      load(live, command);
      return;
    case "unload": {
      const key = stageKey(command);
      const stage = live.stages.get(key) ?? live.ranks.get(key);
      live.stages.delete(key);
      live.ranks.delete(key);
      // A seat that is gone has released everything.
      stage?.release().catch(() => undefined);
      return;
    }
    case "transfer":
      transfer(live, command);
      return;
    case "drop":
      live.book.drop(command.storage, command.memory);
      if (!live.book.known(command.storage)) live.handles.delete(command.storage);
      if (command.memory !== HOME) seatOf(live, command.memory)?.free([command.storage]);
      return;
    case "adopt": {
      const { value, capacity } = must(takePut(live, command.handle), "what is adopted was put");
      live.book.note(command.storage, value, capacity);
      live.handles.set(command.storage, command.handle);
      live.book.home.set(command.storage, value);
      live.book.setBytes(command.storage, HOME, command.bytes);
      return;
    }
    case "deliver":
      deliver(live, command);
      return;
    case "fetch-failed":
      endFetch(live, command.fetch, ({ reject }) => reject(failureError(command.failure)));
      return;
    case "task-ended":
      client.taskEnded(command.task, command.failure);
      live.errors.delete(command.task);
      return;
    case "rejected":
      if (command.fetch !== undefined) endFetch(live, command.fetch, ({ reject }) => reject(refusalError(command.refusal)));
      else {
        if (command.handle !== undefined) takePut(live, command.handle);
        client.rejected(command.refusal, command);
      }
      return;
    case "accepting":
      client.accepting(command.accepting);
      return;
    case "recorded":
      return;
    case "way-chosen":
      live.options.watch.wayChosen(command);
  }
}

function start(live: Live, command: StartCommand): void {
  if (live.options.stageOf(command.stage).gang !== undefined) {
    startGang(live, command);
    return;
  }
  const { clock, watch, stageOf, rack } = live.options;
  const device = must(command.devices[0], "a run has a device");
  const seat = live.seats[device]!;
  const stop = createStop();
  live.runs.set(command.run, stop);
  const startNs = clock.now();
  watch.started(command);
  for (const { storage, handle } of command.bindings) live.handles.set(storage, handle);
  const stage = must(live.stages.get(stageKey({ device, stage: command.stage, variant: command.variant })), "what runs is loaded");
  const place = {
    seat,
    memory: rack.devices[device]!.memory,
    stage,
    work: stageOf(command.stage),
    book: live.book,
    signal: stop.signal,
    freshSlot: () => live.slots++,
  };
  runStage(command, place).then(
    ({ busyNs, parts, bytes }) => {
      live.runs.delete(command.run);
      if (live.lostSeats.has(seat)) return;
      const endNs = clock.now();
      live.busyUntil.set(seat, endNs);
      watch.ran({ command, startNs, endNs, busyNs, parts });
      dispatch(live, { type: "task-finished", run: command.run, durationNs: Math.max(1, Math.round(busyNs)), bytes });
    },
    (thrown: unknown) => {
      live.runs.delete(command.run);
      const error = toHeddleError(thrown);
      live.errors.set(command.task, error);
      watch.failed({ stage: command.stage, device, error });
      answer(live, [seat], error, failedRun(command, error));
    },
  );
}

function failedRun({ run }: StartCommand, error: HeddleError): DataflowEvent {
  const permanent = error.code === "input-invalid" || error.code === "stage-unsupported" ? { permanent: true } : {};
  return { type: "task-failed", run, detail: error.message, ...permanent };
}

/** One run of all members, with one end. A member that is lost ends it too: the engine waits for the word of those that are left. */
function startGang(live: Live, command: StartCommand): void {
  const { clock, watch, stageOf, rack } = live.options;
  const { devices, stage, variant } = command;
  const work = stageOf(stage);
  const seats = devices.map((device) => live.seats[device]!);
  const ranks = devices.map((device) => must(live.ranks.get(stageKey({ device, stage, variant })), "what runs is loaded"));
  const stop = createStop();
  live.runs.set(command.run, stop);
  const startNs = clock.now();
  watch.started(command);
  for (const { storage, handle } of command.bindings) live.handles.set(storage, handle);
  const firstCall = live.collectives;
  live.collectives += collectivesOf(ranks[0]!.program);
  const place = {
    members: devices.map((device, at) => ({ seat: seats[at]!, memory: rack.devices[device]!.memory, rank: ranks[at]! })),
    work,
    book: live.book,
    signal: stop.signal,
    firstCall,
    freshSlot: () => live.slots++,
    now: () => clock.now(),
  };
  const failed = (member: number, error: HeddleError): void => {
    live.errors.set(command.task, error);
    watch.failed({ stage, device: devices[member]!, error });
    afterWordOfLoss(seats, error, () => dispatch(live, failedRun(command, error)));
  };
  const done = async (result: GangResult): Promise<void> => {
    if (!result.ok) {
      live.runs.delete(command.run);
      failed(result.failure.member, result.failure.error);
      return;
    }
    // What ended when the engine had given it up (a member was lost meanwhile) is void all the same.
    if (stop.signal.aborted) {
      await result.takeBack();
      live.runs.delete(command.run);
      failed(0, new HeddleError("cancelled", { where: work.name }));
      return;
    }
    live.runs.delete(command.run);
    const { busyNs, parts, bytes, members } = result;
    watch.ran({ command, startNs, endNs: clock.now(), busyNs, parts, members });
    dispatch(live, { type: "task-finished", run: command.run, durationNs: Math.max(1, Math.round(busyNs)), bytes });
  };
  runGang(command, place)
    .then(done)
    .catch((thrown: unknown) => {
      live.runs.delete(command.run);
      failed(0, toHeddleError(thrown));
    });
}

function load(live: Live, command: Extract<DataflowCommand, { type: "load" }>): void {
  const { clock, watch } = live.options;
  const { device, stage } = command;
  const seat = live.seats[device]!;
  const startNs = clock.now();
  loadOn(live, seat, command).then(
    (compileNs) => {
      if (live.lostSeats.has(seat)) return;
      const endNs = clock.now();
      live.busyUntil.set(seat, endNs);
      watch.loaded({ stage, device, startNs, endNs, compileNs });
      dispatch(live, { type: "load-finished", load: command.load, durationNs: Math.max(1, endNs - startNs) });
    },
    (thrown: unknown) => {
      const error = toHeddleError(thrown);
      watch.failed({ stage, device, error });
      answer(live, [seat], error, { type: "load-failed", load: command.load, detail: error.message });
    },
  );
}

/** Loads a stage, or the part of a gang's that the command names in place of any other, and gives the time to compile it. */
async function loadOn(live: Live, seat: Seat, command: Extract<DataflowCommand, { type: "load" }>): Promise<Nanoseconds> {
  const { recipes, gang } = live.options.stageOf(command.stage);
  const key = stageKey(command);
  if (gang === undefined) {
    const loaded = await seat.load(must(recipes[command.variant], "a variant has a recipe"));
    if (!live.lostSeats.has(seat)) live.stages.set(key, loaded);
    return loaded.compileNs;
  }
  const before = live.ranks.get(key);
  live.ranks.delete(key);
  await before?.release();
  const loaded = await loadRank(seat, must(gang[command.member ?? 0], "a gang's stage has a program a member").program);
  if (!live.lostSeats.has(seat)) live.ranks.set(key, loaded);
  return loaded.compileNs;
}

function transfer(live: Live, command: TransferCommand): void {
  const { clock, watch } = live.options;
  const startNs = clock.now();
  const ends = [command.source, command.target].flatMap((memory) => seatOf(live, memory) ?? []);
  const place = { book: live.book, seatOf: (memory: number) => seatOf(live, memory), freshSlot: () => live.slots++ };
  const moved = moveStorage(command, place).then(() => clock.now());
  Promise.all([moved, live.pace(command, startNs)]).then(
    ([movedNs, { beganNs, pacedNs }]) => {
      if (ends.some((seat) => live.lostSeats.has(seat))) return;
      const endNs = pacedNs === undefined ? clock.now() : Math.max(movedNs, beganNs + pacedNs);
      watch.moved({ command, handle: live.handles.get(command.storage), startNs: beganNs, endNs });
      const busyUntilNs = Math.max(0, ...ends.map((seat) => live.busyUntil.get(seat) ?? 0));
      const ownNs = live.linkTimeNs(command, { startNs: beganNs, endNs, busyUntilNs });
      const durationNs = Math.max(ownNs, Math.round(pacedNs ?? 1));
      dispatch(live, { type: "transfer-finished", transfer: command.transfer, durationNs });
    },
    (thrown: unknown) => {
      const error = toHeddleError(thrown);
      answer(live, ends, error, { type: "transfer-failed", transfer: command.transfer, detail: error.message });
    },
  );
}

/** A failure because a worker is gone is told by the loss of that worker; only where no such word comes it is one of its own. */
function answer(live: Live, seats: readonly Seat[], error: HeddleError, event: DataflowEvent): void {
  const isTold = (): boolean => error.code === "host-lost" && seats.some((seat) => live.lostSeats.has(seat));
  afterWordOfLoss(seats, error, () => {
    if (!isTold()) dispatch(live, event);
  });
}

/** At once, or where the error says that a worker is gone, when it was heard which one. */
function afterWordOfLoss(seats: readonly Seat[], error: HeddleError, then: () => void): void {
  if (error.code !== "host-lost") {
    then();
    return;
  }
  const word = new Promise((resolve) => setTimeout(resolve, WORD_OF_LOSS_MS).unref());
  void Promise.race([...seats.map(({ ended }) => ended), word]).then(then);
}

function deliver(live: Live, command: Extract<DataflowCommand, { type: "deliver" }>): void {
  const whole = must(live.book.home.get(command.storage), "what is delivered is at home");
  const rows = live.book.rows(command.storage, 0, command.bytes);
  endFetch(live, command.fetch, ({ resolve }) => resolve(rows === undefined ? whole : rowsOf(whole, rows)));
  dispatch(live, { type: "delivered", fetch: command.fetch });
}

/** The oldest value that was put for a handle. */
function takePut({ puts }: Live, handle: HandleId): { readonly value: HostTensor; readonly capacity: number | undefined } | undefined {
  const waiting = puts.get(handle);
  const first = waiting?.shift();
  if (waiting?.length === 0) puts.delete(handle);
  return first;
}

function endFetch(live: Live, fetch: FetchId, end: (waiting: NonNullable<ReturnType<Live["fetches"]["get"]>>) => void): void {
  const waiting = live.fetches.get(fetch);
  live.fetches.delete(fetch);
  if (waiting !== undefined) end(waiting);
}

/** Watches over a seat: when its worker is gone, so is all that was there; it is opened again where that is possible. */
function attend(live: Live, device: DeviceId): void {
  const seat = live.seats[device]!;
  void seat.ended.then((error) => {
    if (!live.open || live.lostSeats.has(seat)) return;
    const { rack, watch, reopen } = live.options;
    const { host } = rack.devices[device]!;
    const together = [...rack.devices.keys()].filter((other) => rack.devices[other]!.host === host);
    for (const other of together) {
      live.lostSeats.add(live.seats[other]!);
      live.book.dropAll(rack.devices[other]!.memory);
      for (const loaded of [live.stages, live.ranks])
        for (const key of [...loaded.keys()]) if (key.startsWith(`${other}/`)) loaded.delete(key);
      watch.lost(other, error ?? new HeddleError("host-lost", { where: seat.id }));
    }
    dispatch(live, { type: "host-lost", host, mayReturn: reopen !== undefined });
    if (reopen !== undefined) for (const other of together) void bringBack(live, other, reopen);
  });
}

async function bringBack(live: Live, device: DeviceId, reopen: (device: DeviceId) => Promise<Seat>): Promise<void> {
  const { watch } = live.options;
  for (let attempt = 1; attempt <= REOPEN_ATTEMPTS && live.open; attempt++) {
    try {
      const seat = await reopen(device);
      if (!live.open) {
        await seat.close();
        return;
      }
      live.seats[device] = seat;
      attend(live, device);
      watch.joined(device);
      dispatch(live, { type: "device-joined", device });
      return;
    } catch (thrown) {
      watch.failed({ stage: undefined, device, error: toHeddleError(thrown) });
    }
  }
  dispatch(live, { type: "device-lost", device, mayReturn: false });
}

function seatOf(live: Live, memory: number): Seat | undefined {
  const device = live.options.rack.devices.findIndex((one) => one.memory === memory);
  return live.seats[device];
}

function stageKey({ device, stage, variant }: { readonly device: DeviceId; readonly stage: StageId; readonly variant: number }): string {
  return `${device}/${stage}/${variant}`;
}

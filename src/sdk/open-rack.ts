import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS, type DataflowConfig } from "../engine/dataflow/dataflow-config.ts";
import { createDataflowEngine } from "../engine/dataflow/dataflow-engine.ts";
import type { DataflowFailure, DeviceId, TaskId } from "../engine/dataflow/dataflow-types.ts";
import { createDataflowExecutor, type ExecutorClient } from "../execute/dataflow/executor.ts";
import { failureError, refusalError } from "../execute/dataflow/failure-error.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import { cacheFolder } from "../execute/model-store/cache-folder.ts";
import { createSeats } from "../execute/seat/create-seats.ts";
import type { Seat, SeatPlace, Seats } from "../execute/seat/seat-types.ts";
import { createWallClock } from "../execute/wall-clock.ts";
import { earliestFinish } from "../policy/policies/earliest-finish.ts";
import type { Rack } from "../rack/rack.ts";
import { writeChromeTrace } from "../trace/write-chrome-trace.ts";
import { findRack, withOwnDevices } from "./find-rack.ts";
import { rackCalls } from "./rack-calls.ts";
import { openLedger } from "./rack-ledger.ts";
import { type RackMachine, rackMachine } from "./rack-machine.ts";
import { ownPolicy, watchedPolicy } from "./rack-policy.ts";
import { createRecords, recordingWatch } from "./rack-records.ts";
import { createRunTimeline } from "./rack-timeline.ts";
import { summaryOf } from "./run-record.ts";
import type { OpenRack, PolicyTask, RackOptions } from "./sdk-types.ts";
import type { Session } from "./session.ts";

/**
 * Opens every device of a rack, each in a process of its own unless `isolation` says else, and joins them.
 *
 * Errors: `file-unreadable`, `rack-invalid`; those of opening a device (`driver-missing`, `device-failed`): then none stays open.
 */
export async function openRack(given: string | Rack | "this-machine", options: RackOptions = {}): Promise<OpenRack> {
  const { isolation = "process", devices: own = [] } = options;
  const rack = withOwnDevices(findRack(given), own);
  if (rack.devices.length === 0) throw new HeddleError("rack-invalid", { where: rack.name, detail: "it has no device" });
  const machine = rackMachine(rack, { ownHosts: isolation !== "process" });
  const folder = join(cacheFolder(), "stages");
  mkdirSync(folder, { recursive: true });
  const seats = createSeats({ cacheFolder: folder });
  const placeOf = (device: DeviceId): SeatPlace => seatPlace(machine, device, options);
  try {
    const opened = await Promise.all(rack.devices.map((_row, device) => seats.open(placeOf(device))));
    await Promise.all(opened.flatMap((left, i) => opened.slice(i + 1).map((right) => seats.connect(left, right))));
    const reopen = isolation === "inline" ? undefined : (session: Session, device: DeviceId) => reopened(seats, session, placeOf(device));
    return startSession({ machine, seats, opened, options, reopen });
  } catch (thrown) {
    await seats.close();
    throw thrown;
  }
}

function seatPlace({ rack, memoryBytes }: RackMachine, at: DeviceId, { isolation = "process", devices: own = [] }: RackOptions): SeatPlace {
  const device = rack.devices[at]!;
  const driver = own.find((one) => one.device.id === device.id)?.driver;
  const place = { device, memoryBytes: memoryBytes[at]! };
  if (driver === undefined) return { ...place, isolation };
  // An object cannot leave this process; it is run in it.
  return { ...place, driver, isolation: typeof driver === "string" ? isolation : "inline" };
}

async function reopened(seats: Seats, session: Session, place: SeatPlace): Promise<Seat> {
  const seat = await seats.open(place);
  const device = session.machine.rack.devices.findIndex(({ id }) => id === place.device.id);
  session.seats[device] = seat;
  const others = session.seats.filter((other) => other !== seat);
  // A seat that is being opened again joins this one when it is there.
  await Promise.all(others.map((other) => seats.connect(seat, other).catch(() => undefined)));
  return seat;
}

interface Opened {
  readonly machine: RackMachine;
  readonly seats: Seats;
  readonly opened: readonly Seat[];
  readonly options: RackOptions;
  readonly reopen: ((session: Session, device: DeviceId) => Promise<Seat>) | undefined;
}

function startSession({ machine, seats, opened, options, reopen }: Opened): OpenRack {
  const { rack } = machine;
  const clock = createWallClock();
  const timeline = options.trace === undefined ? undefined : createRunTimeline(rack);
  const records = createRecords(rack, timeline);
  const { oneDevice = options.policy === undefined ? "measured" : "never" } = options;
  const compareWays = oneDevice === "measured";
  const config: DataflowConfig = { rack: machine.dataflow, limits: DATAFLOW_LIMITS, policy: DATAFLOW_POLICY_PARAMETERS, compareWays };
  const parts: Omit<Session, "executor"> = {
    machine,
    seats: [...opened],
    stages: new Map(),
    classes: new Map(),
    tasks: new Map(),
    portStages: new Map(),
    origins: new Map(),
    plans: new Map(),
    variants: options.variants ?? [],
    made: [],
    helpers: new Map(),
    names: new Map(),
    runs: new Map(),
    outputs: new WeakMap(),
    next: { handle: 0, task: 0, stage: 0, run: 0, footprint: 0 },
    footprints: new Map(),
    tail: Promise.resolve(),
    broken: undefined,
    closed: false,
  };
  const chosen =
    options.policy === undefined ? earliestFinish : ownPolicy(options.policy, rack.devices, (task) => policyTask(session, task));
  const policy = watchedPolicy(chosen, (task, _device, runNs) => records.predictions.set(task, runNs));
  const watch = recordingWatch({
    rack,
    records,
    taskOf: (task) => parts.tasks.get(task),
    nameOf: (handle) => (handle === undefined ? "" : (parts.names.get(handle) ?? "")),
    stageName: (stage) => parts.stages.get(stage)?.name ?? "",
    originOf: (stage) => parts.origins.get(stage) ?? stage,
    now: () => clock.now(),
    moved: (handle, transfer) => {
      const run = /#(\d+) /.exec(parts.names.get(handle ?? -1) ?? "")?.[1];
      if (run !== undefined) parts.runs.get(Number(run))?.transfers.push(transfer);
    },
    onEvent: options.onEvent ?? (() => undefined),
  });
  const engine = createDataflowEngine(config, policy);
  const ledger =
    options.ledger === undefined
      ? undefined
      : openLedger(options.ledger, { config, policy: policy.name, snapshot: () => engine.snapshot() });
  const executor = createDataflowExecutor({
    engine,
    ...(ledger === undefined ? {} : { record: ledger.record }),
    clock,
    rack: machine.dataflow,
    seats: opened,
    pacedNs: machine.pacedNs,
    stageOf: (stage) => must(parts.stages.get(stage), "a stage that was declared is known"),
    client: clientOf(
      () => session,
      () => clock.now(),
    ),
    watch,
    ...(reopen === undefined ? {} : { reopen: (device) => reopen(session, device) }),
  });
  const session: Session = Object.assign(parts, { executor });
  const closeAll = async (): Promise<void> => {
    await seats.close();
    ledger?.close();
    if (options.trace !== undefined && timeline !== undefined) writeWhole(options.trace, writeChromeTrace(timeline.timeline()));
  };
  return rackCalls(session, { records, now: () => clock.now(), closeAll });
}

/** Undefined for tasks the engine runs again for what was lost. */
function policyTask(session: Session, task: TaskId): PolicyTask | undefined {
  const known = session.tasks.get(task);
  return known?.run === undefined ? undefined : { run: known.run.id, graph: known.run.graph, stage: known.stage };
}

/** What the engine tells the client, as ends of runs. */
function clientOf(sessionOf: () => Session, now: () => number): ExecutorClient {
  const ended = (task: TaskId, failure: DataflowFailure | undefined): void => {
    const session = sessionOf();
    const run = session.tasks.get(task)?.run;
    session.tasks.delete(task);
    if (run === undefined) return;
    run.tasks?.delete(task);
    // What was made of a failed task's output says less than the failure itself.
    if (failure !== undefined && failure.code !== "input-failed") run.failure ??= failureError(failure, session.executor.errorOf(task));
    if (failure?.code === "input-failed") run.inputFailed = true;
    if (run.tasks?.size !== 0) return;
    session.runs.delete(run.id);
    for (const handle of run.handles) session.names.delete(handle);
    if (run.failure === undefined && run.inputFailed)
      run.failure = new HeddleError("device-failed", { where: run.graph, detail: "a run or state it reads failed" });
    if (run.failure !== undefined) run.reject(run.failure);
    else run.resolve(summaryOf(run, now()));
  };
  return {
    taskEnded: ended,
    rejected: (refusal, { first }) => {
      const session = sessionOf();
      const run = first === undefined ? undefined : session.tasks.get(first)?.run;
      if (run === undefined) return;
      for (const task of run.tasks ?? []) session.tasks.delete(task);
      run.tasks = new Set();
      session.runs.delete(run.id);
      run.failure ??= refusalError(refusal);
      run.reject(run.failure);
    },
    accepting: () => undefined,
    broken: (error) => {
      const session = sessionOf();
      session.broken = error;
      for (const run of session.runs.values()) run.reject(error);
      session.runs.clear();
    },
  };
}

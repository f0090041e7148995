import type { HeddleError } from "../base/heddle-error.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { DeviceId, HandleId, StageId, StartCommand, TaskId, WayChosenCommand } from "../engine/dataflow/dataflow-types.ts";
import type { ExecutorWatch, LoadedStage, MovedStorage, RanTask } from "../execute/dataflow/executor-watch.ts";
import type { Rack } from "../rack/rack.ts";
import { FRONT_END } from "../rack/rack-check.ts";
import { type CollectiveTotals, countCollectives, memberSummaries } from "./gang-summary.ts";
import type { RunTimeline } from "./rack-timeline.ts";
import type { RackEvent, RunSummary, WayReport } from "./sdk-types.ts";
import type { ClientTask } from "./session.ts";

/** What was seen of an open rack; the report and the timeline are made from it. */
export interface RackRecords {
  readonly devices: { up: boolean; tasks: number; busyNs: number; failures: number; lateRuns: number }[];
  /** By ends. */
  readonly transfers: Map<string, { from: string; to: string; count: number; bytes: number; ns: number }>;
  /** By members. */
  readonly collectives: Map<string, CollectiveTotals>;
  /** By stage and device. */
  readonly models: Map<string, { readonly stage: StageId; readonly device: DeviceId; runs: number; totalNs: number }>;
  /** What tasks were predicted to take where they were put. */
  readonly predictions: Map<TaskId, Nanoseconds | undefined>;
  /** Tasks that have been started and have not ended. */
  readonly running: Map<TaskId, { readonly devices: readonly DeviceId[] }>;
  /** By work that comes again. */
  readonly ways: Map<number, WayReport>;
  readonly timeline: RunTimeline | undefined;
}

export interface RecordOptions {
  readonly rack: Rack;
  readonly records: RackRecords;
  readonly taskOf: (task: TaskId) => ClientTask | undefined;
  readonly nameOf: (handle: HandleId | undefined) => string;
  readonly stageName: (stage: StageId) => string;
  /** The planned stage that a stage runs. */
  readonly originOf: (stage: StageId) => StageId;
  readonly now: () => Nanoseconds;
  /** A transfer of a handle's bytes ended. */
  readonly moved: (handle: HandleId | undefined, transfer: RunSummary["transfers"][number]) => void;
  readonly onEvent: (event: RackEvent) => void;
}

export function createRecords(rack: Rack, timeline: RunTimeline | undefined): RackRecords {
  return {
    devices: rack.devices.map(() => ({ up: true, tasks: 0, busyNs: 0, failures: 0, lateRuns: 0 })),
    transfers: new Map(),
    collectives: new Map(),
    models: new Map(),
    predictions: new Map(),
    running: new Map(),
    ways: new Map(),
    timeline,
  };
}

/** Keeps the records of an executor. */
export function recordingWatch(options: RecordOptions): ExecutorWatch {
  const { rack, records, taskOf, nameOf, now, onEvent } = options;
  const id = (device: DeviceId): string => rack.devices[device]!.id;
  const endOf = (memory: number): string => (memory === 0 ? FRONT_END : id(memory - 1));
  return {
    started: (command) => started(options, command),
    ran: (run) => ran(options, run),
    moved: (move: MovedStorage) => {
      const { command, handle, startNs, endNs } = move;
      const [from, to] = [endOf(command.source), endOf(command.target)];
      const bytes = command.toByte - command.fromByte;
      const known = records.transfers.get(`${from}>${to}`) ?? { from, to, count: 0, bytes: 0, ns: 0 };
      records.transfers.set(`${from}>${to}`, {
        from,
        to,
        count: known.count + 1,
        bytes: known.bytes + bytes,
        ns: known.ns + endNs - startNs,
      });
      const tensor = nameOf(handle);
      records.timeline?.moved({ ...move, from, to, tensor, bytes });
      options.moved(handle, { from, to, tensor, bytes, ns: endNs - startNs });
      onEvent({ type: "transfer-finished", from, to, tensor, bytes, ns: endNs - startNs });
    },
    loaded: (load: LoadedStage) => records.timeline?.loaded({ ...load, name: options.stageName(load.stage), track: id(load.device) }),
    failed: ({ device }) => {
      records.devices[device]!.failures++;
    },
    lost: (device: DeviceId, error: HeddleError) => {
      records.devices[device]!.up = false;
      records.timeline?.lost(id(device), now(), error.message);
      onEvent({ type: "device-down", device: id(device), detail: error.message });
      for (const [task, running] of records.running) {
        if (!running.devices.includes(device)) continue;
        const client = taskOf(task);
        records.running.delete(task);
        if (client?.run !== undefined)
          onEvent({ type: "task-lost", run: client.run.id, stage: client.stage, device: id(device), detail: error.message });
      }
    },
    joined: (device) => {
      records.devices[device]!.up = true;
      onEvent({ type: "device-up", device: id(device) });
    },
    wayChosen: (command) => wayChosen(options, command),
  };
}

function wayChosen({ rack, records, taskOf, now, onEvent }: RecordOptions, { bout, first, reason, ...command }: WayChosenCommand): void {
  const nameOf = (device: DeviceId): string | undefined => rack.devices[device]?.id;
  const graph = taskOf(first)?.run?.graph ?? "";
  const device = nameOf(command.device);
  const measured = command.ways.map((way) => ({ device: nameOf(way.device), tries: way.tries, medianNs: way.medianNs, ratio: way.ratio }));
  records.ways.set(bout, { graph, device, reason, measured });
  records.timeline?.wayChosen({ graph, device, reason, atNs: now() });
  onEvent({ type: "way-chosen", graph, device, reason });
}

function started({ rack, records, taskOf }: RecordOptions, { task, devices }: StartCommand): void {
  records.running.set(task, { devices });
  const client = taskOf(task);
  if (client?.run === undefined) return;
  const { stages } = client.run;
  const before = stages.get(task);
  const device = devices.map((one) => rack.devices[one]!.id).join(", ");
  const predictedNs = records.predictions.get(task);
  stages.set(task, { stage: client.stage, device, startNs: 0, busyNs: 0, predictedNs, starts: (before?.starts ?? 0) + 1 });
}

function ran(options: RecordOptions, run: RanTask): void {
  const { rack, records, taskOf, stageName, originOf, onEvent } = options;
  const { command, busyNs, endNs } = run;
  const { task, devices } = command;
  const stage = originOf(command.stage);
  const members = memberSummaries(rack, devices, run.members);
  records.running.delete(task);
  for (const [member, device] of devices.entries()) {
    const part = members?.[member];
    countRun(records, { stage, device, busyNs: part === undefined ? busyNs : part.runNs + part.collectiveNs });
  }
  if (members !== undefined) countCollectives(records.collectives, members);
  // A wait is what the description of an emulated device does not account for.
  if (run.parts.some(({ what }) => what === "wait")) for (const device of devices) records.devices[device]!.lateRuns++;
  const client = taskOf(task);
  const record = client?.run?.stages.get(task);
  const ids = devices.map((device) => rack.devices[device]!.id);
  const predictedNs = records.predictions.get(task);
  records.predictions.delete(task);
  records.timeline?.ran({ ...run, tracks: ids, name: client?.stage ?? stageName(stage), predictedNs, owner: client?.run?.id });
  if (record === undefined || client?.run === undefined) return;
  record.startNs = endNs - Math.round(busyNs);
  record.busyNs = busyNs;
  if (members !== undefined) record.members = members;
  onEvent({ type: "task-finished", run: client.run.id, stage: client.stage, device: ids.join(", "), busyNs });
}

function countRun(
  { devices, models }: RackRecords,
  { stage, device, busyNs }: { readonly stage: StageId; readonly device: DeviceId; readonly busyNs: Nanoseconds },
): void {
  const row = devices[device]!;
  row.tasks++;
  row.busyNs += busyNs;
  const key = `${stage}@${device}`;
  const model = models.get(key) ?? { stage, device, runs: 0, totalNs: 0 };
  model.runs++;
  model.totalNs += busyNs;
  models.set(key, model);
}

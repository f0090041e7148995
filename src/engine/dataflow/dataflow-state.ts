import type { Bytes, Nanoseconds } from "../../base/units.ts";
import { type Bouts, createBouts } from "./bout-state.ts";
import type { DataflowConfig } from "./dataflow-config.ts";
import type {
  AccessMode,
  DataflowFailure,
  DeviceId,
  FetchId,
  HandleId,
  LoadId,
  MemoryId,
  RecordedReason,
  RunId,
  StageId,
  StageSpec,
  StorageId,
  TaskId,
  TaskSpec,
  TemplateId,
  TransferId,
  TransferPurpose,
} from "./dataflow-types.ts";
import type { Histories } from "./histories.ts";
import type { LinkModel } from "./link-model.ts";

/** Dense id of a single-assignment value. */
export type ValueId = number;
/** Where an id is absent. Ids of the engine start at 1 or count from 0, never below; task ids of the engine are below it. */
export const NONE = -1;
/** Absent task: engine tasks have ids below -1, so that -1 stays free. */
export const FIRST_ENGINE_TASK = -2;

/** All state of a dataflow engine: plain data, every object in one table only. */
export interface DataflowState {
  readonly stages: Map<StageId, StageSpec>;
  readonly handles: Map<HandleId, Handle>;
  readonly values: Map<ValueId, Value>;
  readonly storages: Map<StorageId, Storage>;
  /** Tasks that have not ended, and those kept as lineage. */
  readonly tasks: Map<TaskId, Task>;
  readonly runs: Map<RunId, Run>;
  readonly transfers: Map<TransferId, Transfer>;
  readonly loads: Map<LoadId, Load>;
  readonly fetches: Map<FetchId, Fetch>;
  readonly memories: Memory[];
  readonly devices: Device[];
  readonly links: LinkModel[];
  /** By channel: when what was sent is predicted to have passed. */
  readonly channelFreeAt: Nanoseconds[];
  /** By channel: predicted time of the transfers under way. */
  readonly channelBusyNs: Nanoseconds[];
  readonly ready: ReadyQueue[];
  /** By stage and members: which of them. */
  readonly readyOfStage: Map<number, number>;
  readonly templates: Map<TemplateId, Template>;
  readonly histories: Histories;
  readonly bouts: Bouts;
  next: NextIds;
  /** Client tasks accepted and not ended. */
  pending: number;
  accepting: boolean;
  /** Tasks granted or waiting for memory, by age. */
  readonly staged: Map<TaskId, true>;
  /** Staged tasks that could run and let another one go first. */
  readonly held: Map<TaskId, true>;
  counts: DataflowCounts;
}

export interface NextIds {
  value: ValueId;
  storage: StorageId;
  run: RunId;
  transfer: TransferId;
  load: LoadId;
  engineTask: TaskId;
  order: number;
}

export interface DataflowCounts {
  /** Late, doubled or stale messages that were ignored. */
  stale: number;
  policyRefusals: number;
  policyFallbacks: number;
  stolen: number;
  evictions: number;
  writeBacks: number;
  recoveries: number;
  repetitions: number;
  readonly notRecorded: Record<RecordedReason, number>;
}

export interface Handle {
  /** Value after everything submitted so far, without contributions. */
  current: ValueId;
  readonly combine: StageId;
  contributions: ValueId[];
}

export interface Value {
  readonly id: ValueId;
  readonly storage: StorageId;
  /** Position in its storage: a later version begins with all earlier ones. */
  readonly version: number;
  /** Length of the prefix; at most, until it is made. */
  bytes: Bytes;
  /** Task that makes it; NONE: put from outside. */
  readonly producer: TaskId;
  /** Was made at least once, so `bytes` is true. */
  sized: boolean;
  /** There is an instance of it. */
  made: boolean;
  failure: DataflowFailure | undefined;
  /** Handles whose value or contribution it is. */
  held: number;
  /** Tasks not ended and fetches that read it. */
  readers: number;
  /** Lineage records that would read it again. */
  lineageRefs: number;
  /** Runs in a row it takes to make it again. */
  depth: number;
  waiting: TaskId[];
  fetches: FetchId[];
}

/** Values that share bytes: one value and what was appended to it. */
export interface Storage {
  readonly id: StorageId;
  readonly handle: HandleId;
  /** Values kept, by version. */
  readonly values: ValueId[];
  /** Of these, held by a handle or to be read. */
  live: number;
  /** Lineage records that would read one of them from home. */
  lineagePins: number;
  readonly instances: Instance[];
  /** Staged tasks that wait for an arrival. */
  waiters: TaskId[];
}

/** The bytes of a storage in one memory. */
export interface Instance {
  readonly memory: MemoryId;
  /** Latest version that is whole here; NONE: none yet. */
  version: number;
  /** Length of that version. */
  bytes: Bytes;
  /** What the memory sets aside for it, growth included. */
  reserved: Bytes;
  /** Staged and running tasks, transfers from and to here, deliveries. */
  leases: number;
  /** The executor has a buffer for it. */
  allocated: boolean;
  arriving: TransferId;
  arrivingVersion: number;
  /** Task whose memory is being made free: its inputs stay. */
  keepFor: TaskId;
}

/** One access of a task, resolved. */
export interface Use {
  readonly handle: HandleId;
  readonly mode: AccessMode;
  /** NONE: in every member's memory. */
  readonly member: number;
  readonly input: ValueId;
  readonly output: ValueId;
  /** Storage and version of the output, or of the input where there is none. */
  readonly storage: StorageId;
  readonly version: number;
  readonly bytesMax: Bytes;
}

export const BLOCKED = 0;
export const READY = 1;
/** In a device's queue, or a gang with a ticket. */
export const ASSIGNED = 2;
/** Next on its devices: memory is being made free and inputs move. */
export const STAGED = 3;
export const RUNNING = 4;
/** Ended; kept as lineage. */
export const DONE = 5;

export interface Task {
  readonly id: TaskId;
  readonly stage: StageId;
  readonly uses: readonly Use[];
  readonly priority: number;
  readonly footprint: number;
  readonly work: number;
  readonly devices: readonly DeviceId[] | undefined;
  readonly gang: number;
  /** Order of submission, over client and engine tasks. */
  readonly order: number;
  status: number;
  /** Inputs that are not there. */
  waits: number;
  ownNs: Nanoseconds;
  rankNs: Nanoseconds;
  /** Fixed when it becomes ready. */
  urgency: number;
  /** Device, start and end that a schedule of its batch gave it; NONE without one. */
  scheduledOn: DeviceId;
  scheduledAt: Nanoseconds;
  scheduledEndAt: Nanoseconds;
  placed: readonly DeviceId[];
  variant: number;
  predictedNs: Nanoseconds;
  run: RunId;
  /** Memories that have not set aside what it needs. */
  grantsLeft: number;
  /** Memories that have. */
  grantedIn: MemoryId[];
  /** Storage and memory of every lease it holds, in pairs. */
  leases: number[];
  /** Memory and bytes of scratch for outputs nobody wants, in pairs. */
  scratch: number[];
  /** By use: the output is not wanted. */
  discards: boolean[];
  failures: number;
  losses: number;
  transferFailures: number;
  failedOn: DeviceId[];
  detail: string;
  /** The client was told of its end; it runs again for what was lost. */
  again: boolean;
  cancelled: boolean;
  /** Recorded under this name, or placed as recorded where `replayed`. */
  readonly template: TemplateId;
  readonly templateIndex: number;
  readonly replayed: boolean;
}

export interface Run {
  readonly id: RunId;
  readonly task: TaskId;
  /** Members that have not been lost. */
  devices: DeviceId[];
  readonly startedAt: Nanoseconds;
  /** What had run on the machine of the first device by then, summed over its devices. */
  readonly runningNs: Nanoseconds;
  /** A member was lost, or the task was cancelled: whatever comes, it counts as failed. */
  voided: boolean;
}

export interface Transfer {
  readonly id: TransferId;
  readonly storage: StorageId;
  readonly link: number;
  readonly source: MemoryId;
  readonly target: MemoryId;
  readonly version: number;
  readonly bytes: Bytes;
  readonly moved: Bytes;
  readonly purpose: TransferPurpose;
  readonly predictedNs: Nanoseconds;
  /** Room that a write-back will make. */
  readonly roomBytes: Bytes;
  /** Where a relay goes on to; NONE otherwise. */
  readonly onward: MemoryId;
}

export interface Load {
  readonly id: LoadId;
  readonly device: DeviceId;
  readonly stage: StageId;
  readonly variant: number;
  readonly member: number;
}

export interface Fetch {
  readonly id: FetchId;
  readonly handle: HandleId;
  readonly value: ValueId;
  delivered: boolean;
  transferFailures: number;
}

export interface Memory {
  readonly host: number;
  readonly capacity: Bytes;
  used: Bytes;
  alive: boolean;
  /** Storages here, least recently used first. */
  readonly recent: Map<StorageId, true>;
  /** Bytes on their way home to make room. */
  writingBack: Bytes;
  /** Staged tasks that wait for room, by age. */
  waiting: TaskId[];
}

export interface Device {
  alive: boolean;
  mayReturn: boolean;
  run: RunId;
  load: LoadId;
  staged: TaskId;
  /** Assigned tasks, most urgent first. */
  queue: TaskId[];
  /** Stage and variant of the task assigned last that has not started; NONE where nothing is assigned. */
  lastAssigned: number;
  /** Predicted time of the assigned tasks. */
  queuedNs: Nanoseconds;
  /** Gangs that will take the device, oldest ticket first. */
  gangs: TaskId[];
  /** Tasks of a schedule that are to run here, the first one last. */
  scheduled: TaskId[];
  /** When the run or load is predicted to end. */
  busyUntil: Nanoseconds;
  readonly residents: Map<number, Resident>;
  residentBytes: Bytes;
  /** Stages and variants compiled here before. */
  readonly compiled: Map<number, true>;
  /** Measured loads; a first one, with its compilation, under -1 - its key. */
  readonly loadNs: Map<number, Nanoseconds>;
}

export interface Resident {
  readonly stage: StageId;
  readonly variant: number;
  readonly bytes: Bytes;
  /** Of a gang, the member whose part it is; 0 of a task alone. */
  member: number;
  loaded: boolean;
  /** Staged and running tasks that need it. */
  uses: number;
}

/** Ready tasks that the same devices could run. */
export interface ReadyQueue {
  /** Classes, members and named devices. */
  readonly name: string;
  readonly classes: readonly number[];
  readonly heap: TaskId[];
}

/** A recorded batch. */
export interface Template {
  readonly tasks: readonly TaskSpec[];
  /** By task; absent: not placed yet. */
  readonly decisions: (Decision | undefined)[];
  placed: number;
  /** First task of the batch that was recorded. */
  first: TaskId;
}

export interface Decision {
  readonly devices: readonly DeviceId[];
  readonly variant: number;
  readonly predictedNs: Nanoseconds;
  /** What was predicted for a unit of work. */
  readonly unitNs: Nanoseconds;
  readonly resident: boolean;
  /** Handle and memory of inputs from outside the batch that were there, in pairs. */
  readonly local: readonly number[];
}

export function createDataflowState(config: DataflowConfig, links: LinkModel[], histories: Histories): DataflowState {
  const { memories, devices } = config.rack;
  const channels = Math.max(0, ...config.rack.links.map(({ channel }) => channel)) + 1;
  return {
    stages: new Map(),
    handles: new Map(),
    values: new Map(),
    storages: new Map(),
    tasks: new Map(),
    runs: new Map(),
    transfers: new Map(),
    loads: new Map(),
    fetches: new Map(),
    memories: memories.map(({ host, capacityBytes = Infinity }) => ({
      host,
      capacity: capacityBytes,
      used: 0,
      alive: true,
      recent: new Map(),
      writingBack: 0,
      waiting: [],
    })),
    devices: devices.map(({ present = true }) => ({
      alive: present,
      mayReturn: true,
      run: NONE,
      load: NONE,
      staged: NONE,
      queue: [],
      lastAssigned: NONE,
      queuedNs: 0,
      gangs: [],
      scheduled: [],
      busyUntil: 0,
      residents: new Map(),
      residentBytes: 0,
      compiled: new Map(),
      loadNs: new Map(),
    })),
    links,
    channelFreeAt: new Array<number>(channels).fill(0),
    channelBusyNs: new Array<number>(channels).fill(0),
    ready: [],
    readyOfStage: new Map(),
    templates: new Map(),
    histories,
    bouts: createBouts(),
    next: { value: 0, storage: 0, run: 0, transfer: 0, load: 0, engineTask: FIRST_ENGINE_TASK, order: 0 },
    pending: 0,
    accepting: true,
    staged: new Map(),
    held: new Map(),
    counts: {
      stale: 0,
      policyRefusals: 0,
      policyFallbacks: 0,
      stolen: 0,
      evictions: 0,
      writeBacks: 0,
      recoveries: 0,
      repetitions: 0,
      notRecorded: { "not-yet-recorded": 0, "device-gone": 0, "residency-changed": 0, "placement-changed": 0, "times-drifted": 0 },
    },
  };
}

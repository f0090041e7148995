import type { Bytes, BytesPerSecond, Nanoseconds, Ratio } from "../../base/units.ts";
import type { WayReason } from "../../policy/way-choice.ts";

/** Dense ids, given by the front end; index into the rack's lists. Memory 0 is home: the front end's own memory, which is never lost. */
export type MemoryId = number;
export type DeviceId = number;
export type LinkId = number;
/** A process, and so a fault domain. Host 0 is the front end. */
export type HostId = number;
/** Devices of one class are alike: what runs on one runs on each. */
export type DeviceClassId = number;
/** Dense ids of the client. A task's ids grow with each submission; a negative one is a task the engine made (a combine). */
export type StageId = number;
export type OperatorClassId = number;
export type HandleId = number;
export type TaskId = number;
export type FetchId = number;
export type TemplateId = number;
/** Dense ids of the engine, never reused in a run. A message that names one the engine has ended with is late or doubled, and ignored. */
export type RunId = number;
export type TransferId = number;
export type LoadId = number;
export type StorageId = number;

export const HOME: MemoryId = 0;

/** The machine a dataflow engine schedules; all figures are priors where histories can know better. */
export interface DataflowRack {
  readonly memories: readonly MemorySpec[];
  readonly classes: readonly DeviceClassSpec[];
  readonly devices: readonly DeviceSpec[];
  /** Directed. Memories without a direct link exchange over home, in two transfers; every memory has links from and to home. */
  readonly links: readonly LinkSpec[];
}

export interface MemorySpec {
  /** The process it belongs to: it goes with it. Memory 0: host 0. */
  readonly host: HostId;
  /** Absent: without limit. */
  readonly capacityBytes?: Bytes;
}

export interface DeviceClassSpec {
  /** Executables that can be loaded at once. Absent: without limit. */
  readonly residentMax?: number;
  /** Bytes of weights that can be loaded at once, within the memory's capacity. Absent: that capacity alone. */
  readonly residentBytesMax?: Bytes;
}

export interface DeviceSpec {
  readonly class: DeviceClassId;
  readonly memory: MemoryId;
  readonly host: HostId;
  /** False: it is not there until `device-joined`. */
  readonly present?: boolean;
  /** Dense id. Runs of devices of one machine may slow one another down, which is learned. Absent: it shares nothing. */
  readonly machine?: number;
}

export interface LinkSpec {
  readonly source: MemoryId;
  readonly target: MemoryId;
  readonly latencyNs: Nanoseconds;
  readonly bytesPerSecond: BytesPerSecond;
  /** Links of one channel share its bandwidth: their transfers take turns. */
  readonly channel: number;
}

/** A computation that tasks run: one compiled form per class of device that can run it. */
export interface StageSpec {
  readonly stage: StageId;
  /** Stages of one operator class and footprint share histories. */
  readonly operator: OperatorClassId;
  /** A variant's index here names it. Several may be for one class; the engine takes the one predicted to be done first. */
  readonly variants: readonly VariantSpec[];
}

export interface VariantSpec {
  readonly class: DeviceClassId;
  /** Predicted run of one unit of work, before anything was measured. Absent: nothing is known. */
  readonly priorNs?: Nanoseconds;
  /** Held in the device's memory while loaded. */
  readonly weightBytes: Bytes;
  /** Load or reconfiguration, during which the device runs nothing. */
  readonly loadNs: Nanoseconds;
  /** Compilation, once a device; part of its first load. */
  readonly compileNs: Nanoseconds;
  /** Energy of one unit of work, for policies that weigh it. */
  readonly joules?: number;
}

/**
 * How a task uses a handle. In the order of submission each access sees what those before it left:
 * `read` the value; `append` makes a longer value that begins with the old one, whose readers go on; `write` a new value that needs nothing of the
 * old one (`read` and `write` of one handle in one task is an update); `reduce` adds a contribution, and contributions commute until the next other
 * access, before which they are combined by the handle's combine stage.
 */
export type AccessMode = "read" | "append" | "write" | "reduce";

export interface AccessSpec {
  readonly handle: HandleId;
  readonly mode: AccessMode;
  /** Most bytes the task adds (append) or makes (write, reduce); the true number comes when it has finished. Read: absent. */
  readonly bytes?: Bytes;
  /** In a gang: the member in whose memory it is. Absent: what is read is there for every member, what is made is made by member 0. */
  readonly member?: number;
}

/** A task as a client submits it: a stage, and the data it reads, appends to, writes and reduces. */
export interface TaskSpec {
  readonly stage: StageId;
  readonly accesses: readonly AccessSpec[];
  /** Larger goes first. Absent: 0. */
  readonly priority?: number;
  /** Distinguishes sizes of one stage in histories. Absent: 0. */
  readonly footprint?: number;
  /** Units of work: scales the prior. Absent: 1. */
  readonly work?: Ratio;
  /** Only these devices may run it. Absent: all that have a variant. */
  readonly devices?: readonly DeviceId[];
  /** So many devices of one class at once. Absent: 1. With `devices` of the same number: exactly these, member by member. */
  readonly gang?: number;
}

/** What enters the dataflow engine. Nothing else does. */
export type DataflowEvent = ClientEvent | ExecutorEvent;

export type ClientEvent =
  | { readonly type: "stage-declared"; readonly stage: StageSpec }
  /** A handle without data. `combine`: the stage that combines contributions; it reads the old value, if any, and them, and writes the new value. */
  | { readonly type: "handle-declared"; readonly handle: HandleId; readonly combine?: StageId }
  /** The client has data for the handle: a write from outside. Answered by `adopt`, or by `rejected` where home has no room. */
  | { readonly type: "put"; readonly handle: HandleId; readonly bytes: Bytes }
  | SubmittedEvent
  | RepeatedEvent
  | { readonly type: "task-cancelled"; readonly task: TaskId }
  /** The value the handle has after everything submitted so far is wanted at home: `deliver`, or `fetch-failed`. */
  | { readonly type: "fetch"; readonly fetch: FetchId; readonly handle: HandleId }
  /** The client has what `deliver` named: its bytes may go. */
  | { readonly type: "delivered"; readonly fetch: FetchId }
  /** The handle will not be named again; its bytes go when the last task submitted before has read them. */
  | { readonly type: "handle-released"; readonly handle: HandleId };

/** Tasks `first`, `first + 1`, … Taken as a whole or refused as a whole. With `template`: recorded under that name for `repeated`. */
export interface SubmittedEvent {
  readonly type: "submitted";
  readonly first: TaskId;
  readonly tasks: readonly TaskSpec[];
  readonly template?: TemplateId;
}

/** The batch recorded under `template` once more, as tasks `first`, `first + 1`, … */
export interface RepeatedEvent {
  readonly type: "repeated";
  readonly template: TemplateId;
  readonly first: TaskId;
}

export type ExecutorEvent =
  | TaskFinished
  /** Ends the run, of every member of a gang too; also the answer to `abort`. `permanent`: no other device would do better. */
  | { readonly type: "task-failed"; readonly run: RunId; readonly detail: string; readonly permanent?: boolean }
  | { readonly type: "transfer-finished"; readonly transfer: TransferId; readonly durationNs: Nanoseconds }
  | { readonly type: "transfer-failed"; readonly transfer: TransferId; readonly detail: string }
  | { readonly type: "load-finished"; readonly load: LoadId; readonly durationNs: Nanoseconds }
  | { readonly type: "load-failed"; readonly load: LoadId; readonly detail: string }
  /**
   * All devices and memories of the host are gone, and whatever used them has stopped: transfers from and to it and its loads end with this event,
   * and so do runs on its devices alone. A gang run that has other members ends with its own `task-failed`, for which `abort` is sent.
   */
  | { readonly type: "host-lost"; readonly host: HostId; readonly mayReturn: boolean }
  /** One device; with it its memory, unless that is home or another device there lives. Otherwise as `host-lost`. */
  | { readonly type: "device-lost"; readonly device: DeviceId; readonly mayReturn: boolean }
  /** It is there, empty; its memory too, where it was lost. */
  | { readonly type: "device-joined"; readonly device: DeviceId };

export interface TaskFinished {
  readonly type: "task-finished";
  readonly run: RunId;
  /** Time the devices were busy with it; of a gang, of the slowest member. */
  readonly durationNs: Nanoseconds;
  /** Of each output binding of `start`, in order: bytes added (append) or made. More than allowed fails the task with `oversize`. */
  readonly bytes: readonly Bytes[];
}

/**
 * What leaves the dataflow engine. Executors do it, and keep the order among commands that name one storage in one memory, or one device; all else
 * may overlap. Nothing waits: what a `start` reads is there, and its devices are idle.
 */
export type DataflowCommand =
  | StartCommand
  /** Stop the run as soon as possible; answered by `task-failed` or `task-finished`, whichever comes. */
  | { readonly type: "abort"; readonly run: RunId }
  /**
   * Compile if need be, and load; the device is idle. `member`, of gangs only: what that member runs; what the device held for another member of the
   * stage goes.
   */
  | {
      readonly type: "load";
      readonly load: LoadId;
      readonly device: DeviceId;
      readonly stage: StageId;
      readonly variant: number;
      readonly member?: number;
    }
  | { readonly type: "unload"; readonly device: DeviceId; readonly stage: StageId; readonly variant: number }
  | TransferCommand
  /** The buffer of a storage in a memory is free. Only for buffers that exist: made by `adopt`, `start` or `transfer`. */
  | { readonly type: "drop"; readonly storage: StorageId; readonly memory: MemoryId }
  /** What the client put for the handle is now this storage, at home. */
  | { readonly type: "adopt"; readonly handle: HandleId; readonly storage: StorageId; readonly bytes: Bytes }
  /** The fetched value: the first `bytes` of a storage at home. It stays until `delivered`. */
  | { readonly type: "deliver"; readonly fetch: FetchId; readonly handle: HandleId; readonly storage: StorageId; readonly bytes: Bytes }
  | { readonly type: "fetch-failed"; readonly fetch: FetchId; readonly failure: DataflowFailure }
  /** Exactly one for every task that was accepted. */
  | { readonly type: "task-ended"; readonly task: TaskId; readonly failure?: DataflowFailure }
  /** The event was refused before anything changed: a submission, a repetition, a put or a fetch. */
  | { readonly type: "rejected"; readonly first?: TaskId; readonly handle?: HandleId; readonly fetch?: FetchId; readonly refusal: Refusal }
  /** Whether there is room for submissions; sent when it changes. */
  | { readonly type: "accepting"; readonly accepting: boolean }
  /** A repetition was taken with its recorded decisions, or, with a reason, is scheduled anew and recorded again. */
  | { readonly type: "recorded"; readonly template: TemplateId; readonly active: boolean; readonly reason?: RecordedReason }
  | WayChosenCommand;

/**
 * Work that comes again goes another way than the last time, or for another reason: over all devices, or on one alone. For people; nothing is to be done.
 */
export interface WayChosenCommand {
  readonly type: "way-chosen";
  /** The same number for the same work. */
  readonly bout: number;
  /** Its first task. */
  readonly first: TaskId;
  /** -1: all devices. */
  readonly device: DeviceId;
  readonly reason: WayReason;
  /**
   * What is known of each way that is compared, the one over all devices first: median of its last makespans, and of their ratios to what the quickest took at about the same
   * time, by which ways are compared; absent before the first.
   */
  readonly ways: readonly { readonly device: DeviceId; readonly tries: number; readonly medianNs?: Nanoseconds; readonly ratio?: Ratio }[];
}

export interface StartCommand {
  readonly type: "start";
  readonly run: RunId;
  readonly task: TaskId;
  readonly stage: StageId;
  readonly variant: number;
  /** The device, or the members of the gang in order. */
  readonly devices: readonly DeviceId[];
  /** In the order of the task's accesses; of a combine: the old value (if any), contributions, then the new value. */
  readonly bindings: readonly Binding[];
}

/** The bytes behind an access of a task that starts. */
export interface Binding {
  readonly handle: HandleId;
  readonly mode: AccessMode;
  readonly storage: StorageId;
  /** Member in whose memory it is used; -1: in every member's. */
  readonly member: number;
  /** Read: the length of the value. Append: the length before. Write, reduce: 0. A storage may hold more: readers see its first bytes only. */
  readonly bytes: Bytes;
  /** Outputs: length the buffer must be able to have, `bytes` included; it is allocated or enlarged. Read: equal to `bytes`. */
  readonly bytesMax: Bytes;
  /** Outputs: nobody wants it (made again for another output): compute it into scratch and forget it. */
  readonly discard: boolean;
}

/** Copies bytes [fromByte, toByte) of a storage; with `fromByte` 0 the target buffer is allocated, else it is enlarged. No device takes part. */
export interface TransferCommand {
  readonly type: "transfer";
  readonly transfer: TransferId;
  readonly storage: StorageId;
  readonly link: LinkId;
  readonly source: MemoryId;
  readonly target: MemoryId;
  readonly fromByte: Bytes;
  readonly toByte: Bytes;
  readonly purpose: TransferPurpose;
}

/** Why bytes move: for a task that is next, for one that is queued, to make room, to bound lineage, for the client, or on the way over home. */
export type TransferPurpose = "demand" | "prefetch" | "write-back" | "checkpoint" | "fetch" | "relay";

/** Why an accepted task, or a fetch, failed. */
export type DataflowFailure =
  | { readonly code: "device-failed"; readonly attempts: number; readonly detail: string }
  | { readonly code: "transfer-failed"; readonly attempts: number; readonly detail: string }
  | { readonly code: "oversize"; readonly bytes: Bytes; readonly bytesMax: Bytes }
  /** An input was made by a task that failed or was cancelled. */
  | { readonly code: "input-failed"; readonly task: TaskId }
  /** An input is gone with all its instances and cannot be made again. */
  | { readonly code: "input-lost"; readonly handle: HandleId }
  /** Every device that could run it has gone for good. */
  | { readonly code: "no-device"; readonly stage: StageId }
  /** Nothing more can be moved out of the way. */
  | { readonly code: "capacity"; readonly neededBytes: Bytes; readonly freeBytes: Bytes; readonly memory: MemoryId }
  | { readonly code: "cancelled" };

/** Why a submission, repetition, put or fetch was refused. */
export type Refusal =
  | { readonly code: "backlog-full"; readonly pending: number; readonly limit: number }
  | { readonly code: "no-device"; readonly task: TaskId; readonly stage: StageId }
  /** The task's working set fits the memory of no device that could run it; the largest such memory is named. */
  | { readonly code: "capacity"; readonly task?: TaskId; readonly neededBytes: Bytes; readonly freeBytes: Bytes; readonly memory: MemoryId }
  | { readonly code: "unknown-stage"; readonly task: TaskId; readonly stage: StageId }
  | { readonly code: "unknown-handle"; readonly task?: TaskId; readonly handle: HandleId }
  /** Read before anything was written. */
  | { readonly code: "no-value"; readonly task?: TaskId; readonly handle: HandleId }
  | { readonly code: "no-combine-stage"; readonly task: TaskId; readonly handle: HandleId }
  | { readonly code: "bad-access"; readonly task: TaskId; readonly handle: HandleId; readonly detail: string }
  | { readonly code: "bad-gang"; readonly task: TaskId; readonly detail: string }
  | { readonly code: "no-template"; readonly template: TemplateId };

export type RecordedReason = "not-yet-recorded" | "device-gone" | "residency-changed" | "placement-changed" | "times-drifted";

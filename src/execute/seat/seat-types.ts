import type { HeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { Estimate } from "../../cost/estimate.ts";
import type { Bindings } from "../../graph/ir/expression.ts";
import type { DataType, OperatorId } from "../../graph/ir/graph.ts";
import type { StateProgram } from "../../graph/program/state-program.ts";
import type { Device } from "../../rack/rack.ts";
import type { Collective } from "../device/collective.ts";
import type { DeviceDescription, DeviceDriver, DeviceTelemetry, NoBasis, RunPart, Support } from "../device/device-driver.ts";
import type { HostTensor, TensorType } from "../device/tensor.ts";

/** Name of a seat, unique among the seats of a front end: the device's id. */
export type SeatId = string;
/** Name the caller gives a tensor at a seat: a whole number of its own, the same at every seat where the value lies. */
export type SlotId = number;
/** Distinguishes messages between two seats; `send` and `receive` with equal tags meet, in order. */
export type Tag = number;

/** Opens seats and joins them. Everything it started ends with `close`, or with this process. */
export interface Seats {
  /**
   * Opens the device in a worker of its own, or connects to the one at its address.
   *
   * Errors: `driver-missing`, `device-failed`; `host-lost` where the worker ends or does not answer; `unauthorized` for a wrong token.
   */
  open(place: SeatPlace): Promise<Seat>;
  /** Lets two seats exchange tensors and take part in collectives; done once a pair, either way round. Errors: `host-lost`. */
  connect(left: Seat, right: Seat): Promise<void>;
  close(): Promise<void>;
}

export interface SeatsOptions {
  /** Where programs that are sent as bytes, and compiled stages, are kept. */
  readonly cacheFolder: string;
  /** Shared secret of workers at an address: content of the token file. */
  readonly token?: string;
  /** Bytes on the way in a channel between two seats that nobody has asked for; 64 MiB when absent. */
  readonly channelBytes?: number;
  /** A worker at an address that says nothing for this long is lost; 10,000 when absent. Units: ms. */
  readonly silenceMs?: number;
}

/** Where a device is opened. */
export interface SeatPlace {
  /** Its row of the rack. With an `address`, the worker there is used; devices of one `host` share one child process, a thread each. */
  readonly device: Device;
  readonly memoryBytes: number;
  /** `process` when absent: only a process is a fault domain. `inline`: in the caller's thread, without isolation. An address overrules it. */
  readonly isolation?: "process" | "thread" | "inline";
  /**
   * Instead of the driver of that name: a module whose export `driver` it is (a path or `file:` URL), or, `inline` only, the driver itself.
   * Not taken by workers at an address.
   */
  readonly driver?: string | DeviceDriver;
}

/** Where the bytes of a program are. */
export type ProgramSource =
  /** An ONNX file as a path at the front end, with its external data beside it; workers at a `tcp:` address are sent the files, once by content. */
  | { readonly type: "onnx"; readonly path: string }
  /** The same from memory; `files` are external data by the name the model gives them. */
  | { readonly type: "onnx-bytes"; readonly model: Uint8Array; readonly files?: Readonly<Record<string, Uint8Array>> }
  /** A program of `heddle.state` operators. */
  | { readonly type: "state"; readonly program: StateProgram };

/** What to load: operators of a program, for some sizes where the device wants to know them. */
export interface StageRecipe {
  readonly program: ProgramSource;
  readonly operators: readonly OperatorId[];
  readonly sizes?: Bindings;
}

export interface SeatCallOptions {
  /** Takes back what has not begun: the promise ends with `cancelled`. What runs ends as it would have. */
  readonly signal?: StopSignal;
}

/** What of an `AbortSignal` is used. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once: true }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface SeatRunOptions extends SeatCallOptions {
  /** Done in order when the run has succeeded: as `append`, with a message less each. */
  readonly appends?: readonly SlotAppend[];
}

/** Puts an output of a run behind the rows of a slot that is there. */
export interface SlotAppend {
  readonly target: SlotId;
  readonly rows: SlotId;
}

/**
 * A device in its worker, addressed from the front end. Any number of calls may be under way; answers come in order of completion.
 *
 * Slots make the order of data: a call that names a slot waits for the calls made before it that fill or change that slot (wherever the bytes come
 * from), so a chain of receive, run and send can be given out at once. A slot nothing fills is `input-invalid`, and what waited for a call that failed
 * fails with its error. Receiving, computing and sending go on beside each other; runs go one at a time.
 *
 * When the worker is gone, every call that is pending or comes later ends with `host-lost`.
 */
export interface Seat {
  readonly id: SeatId;
  /** Of the process it is lost with; undefined at an address. */
  readonly pid: number | undefined;
  readonly description: DeviceDescription;
  /** Resolves, once, when the worker is gone; after `close` without an error. */
  readonly ended: Promise<HeddleError | undefined>;

  supports(program: ProgramSource, operators: readonly OperatorId[]): Promise<readonly Support[]>;
  /** Errors: `stage-unsupported`, `capacity`, `device-failed`, those of reading the program. */
  load(recipe: StageRecipe, options?: SeatCallOptions): Promise<SeatStage>;
  /** Copies a tensor there. `capacity`: rows it may grow to by `append`. */
  put(slot: SlotId, tensor: HostTensor, options?: SeatCallOptions & { readonly capacity?: number }): Promise<SlotInfo>;
  /** Copies a tensor, or rows [from, to) of it, to the front end. */
  get(slot: SlotId, options?: SeatCallOptions & { readonly rows?: RowRange }): Promise<HostTensor>;
  copy(source: SlotId, target: SlotId, options?: SeatCallOptions): Promise<SlotInfo>;
  /** `target` with `rows` behind its own; `target` is that from then on. `rows` stays. */
  append(target: SlotId, rows: SlotId, options?: SeatCallOptions): Promise<SlotInfo>;
  /**
   * From now on the slots are not there; what was asked before still finds them. No answer. The worker is told with the next call, so that it counts
   * with it, or a little later.
   */
  free(slots: readonly SlotId[]): void;
  /**
   * Sends a tensor, or rows of it, straight to another seat it is connected with. Resolves when the bytes need not be kept any more: they have been
   * handed to the channel. `bytes`: how many.
   */
  send(slot: SlotId, to: SeatId, options: SendOptions): Promise<Moved>;
  /** The next tensor of that tag from another seat, as a slot, or behind the rows of one that is there. */
  receive(slot: SlotId, from: SeatId, options: ReceiveOptions): Promise<SlotInfo>;
  /** Takes part in a collective; every member of `members` (in order of ranks) is given the same `call` number, new for each call. */
  collective(call: SeatCollective, options?: SeatCallOptions): Promise<SlotInfo & Moved>;
  estimate(recipe: StageRecipe, sizes: Bindings): Promise<Estimate | NoBasis>;
  telemetry(): Promise<SeatTelemetry>;
  /** Resolves when what runs has ended; later runs are refused (`draining`). */
  drain(): Promise<void>;
  /** Frees everything and ends the worker; at an address, leaves it for others. */
  close(): Promise<void>;
  /** Ends the worker without asking: its process with SIGKILL (with all seats in it), its thread, or the connection. */
  kill(): void;
}

/** A stage that is loaded at a seat. */
export interface SeatStage {
  readonly inputs: readonly SeatPort[];
  readonly outputs: readonly SeatPort[];
  readonly weightBytes: number;
  /** Units: ns; 0 where it was there already. */
  readonly compileNs: Nanoseconds;
  readonly loadNs: Nanoseconds;
  /**
   * Runs it: `inputs` name a slot for each port, `outputs` a new slot for each output that is wanted; what is not wanted is freed. The runtime types and
   * sizes of outputs come back in the order of `outputs`.
   */
  run(inputs: Readonly<Record<string, SlotId>>, outputs: Readonly<Record<string, SlotId>>, options?: SeatRunOptions): Promise<SeatRun>;
  /** The last of equal stages takes it off the device. */
  release(): Promise<void>;
}

/** An input or output of a stage. `tensor` is its place in the program's graph. */
export interface SeatPort {
  readonly name: string;
  readonly tensor: number;
  readonly type: DataType;
}

export interface SeatRun {
  /** By name of port. */
  readonly outputs: Readonly<Record<string, SlotInfo>>;
  /** On the worker's clock. Units: ns. */
  readonly waitedNs: Nanoseconds;
  readonly busyNs: Nanoseconds;
  readonly parts: readonly RunPart[];
  /** Where an append failed: what each came to, in order; a slot whose append failed is as it was. */
  readonly appendErrors?: readonly (HeddleError | undefined)[];
}

export interface SlotInfo {
  readonly type: TensorType;
  readonly dims: readonly number[];
  /** Bytes held in the device's memory, room to grow included. */
  readonly bytes: number;
}

/** Bytes that moved, and the time from the beginning of the move to its end on the worker's clock. */
export interface Moved {
  readonly movedBytes: number;
  readonly movedNs: Nanoseconds;
}

/** Rows of the first axis. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

export interface SendOptions extends SeatCallOptions {
  readonly tag: Tag;
  readonly rows?: RowRange;
}

export interface ReceiveOptions extends SeatCallOptions {
  readonly tag: Tag;
  /** The slot is there already: what comes is put behind its rows. */
  readonly append?: boolean;
  /** Rows a new slot may grow to. */
  readonly capacity?: number;
}

export interface SeatCollective {
  readonly call: number;
  readonly members: readonly SeatId[];
  readonly collective: Collective;
  readonly input: SlotId;
  readonly output: SlotId;
}

/** Of the device, and of the seat around it. */
export interface SeatTelemetry {
  readonly device: DeviceTelemetry;
  readonly slots: number;
  readonly slotBytes: number;
  /** Calls that wait or run. */
  readonly pending: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Received, but asked for by nobody yet. */
  readonly unclaimedBytes: number;
}

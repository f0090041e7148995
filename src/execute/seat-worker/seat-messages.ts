import type { ErrorCode } from "../../base/error-codes.ts";
import type { Bindings } from "../../graph/ir/expression.ts";
import type { OperatorId } from "../../graph/ir/graph.ts";
import type { StateProgram } from "../../graph/program/state-program.ts";
import type { Device } from "../../rack/rack.ts";
import type { Collective } from "../device/collective.ts";
import type { DeviceDescription, RunPart } from "../device/device-driver.ts";
import type { TensorType } from "../device/tensor.ts";

/** What a seat's worker is opened with. */
export interface SeatStart {
  readonly seat: string;
  readonly device: Device;
  readonly memoryBytes: number;
  readonly cacheFolder: string;
  readonly channelBytes: number;
  /** URL of a module whose export `driver` it is. */
  readonly driverModule: string | undefined;
}

/** Where a worker finds a program. */
export type WireProgram =
  | { readonly type: "file"; readonly path: string }
  /** In the spool of the worker's cache folder, under the hash of its manifest; the first file is the model. */
  | { readonly type: "spooled"; readonly key: string; readonly model: string }
  | { readonly type: "state"; readonly program: StateProgram };

/** A file of a program that is sent: name relative to the model's folder. */
export interface SpooledFile {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * From the front end to a seat. Plain data, so that it goes through a message port as it is and through a socket as msgpack; bytes are in `payload`
 * alone. `id` names a call that is answered. Any call of a device's own may bring `f`: slots that were freed before it was made.
 */
export type ToSeat =
  | { readonly t: "supports"; readonly id: number; readonly program: WireProgram; readonly operators: readonly OperatorId[] }
  | {
      readonly t: "load" | "estimate";
      readonly id: number;
      readonly program: WireProgram;
      readonly operators: readonly OperatorId[];
      readonly sizes: Bindings | null;
    }
  | { readonly t: "release"; readonly id: number; readonly stage: number }
  /** Slots in the order of the stage's ports; -1: not wanted. `a`: slots that grow, each with the output whose rows go behind its own. */
  | {
      readonly t: "run";
      readonly id: number;
      readonly stage: number;
      readonly i: readonly number[];
      readonly o: readonly number[];
      readonly a?: readonly (readonly [number, number])[];
    }
  | ({ readonly t: "put"; readonly id: number; readonly slot: number; readonly capacity: number } & WireTensor)
  | { readonly t: "get"; readonly id: number; readonly slot: number; readonly from: number; readonly to: number }
  | { readonly t: "copy"; readonly id: number; readonly slot: number; readonly target: number }
  | { readonly t: "append"; readonly id: number; readonly slot: number; readonly rows: number }
  | { readonly t: "free"; readonly slots: readonly number[] }
  | {
      readonly t: "send";
      readonly id: number;
      readonly slot: number;
      readonly to: string;
      readonly tag: number;
      readonly from: number;
      readonly until: number;
    }
  | {
      readonly t: "receive";
      readonly id: number;
      readonly slot: number;
      readonly from: string;
      readonly tag: number;
      readonly append: boolean;
      readonly capacity: number;
    }
  | {
      readonly t: "collective";
      readonly id: number;
      readonly call: number;
      readonly members: readonly string[];
      readonly collective: Collective;
      readonly slot: number;
      readonly target: number;
    }
  | { readonly t: "telemetry" | "drain" | "close"; readonly id: number }
  | { readonly t: "cancel"; readonly target: number }
  /** Whether the program is in the spool; else its files come in `spool` messages and `spooled` ends them. */
  | { readonly t: "spool-has" | "spooled"; readonly id: number; readonly key: string; readonly files: readonly SpooledFile[] }
  | {
      readonly t: "spool";
      readonly id: number;
      readonly key: string;
      readonly name: string;
      readonly offset: number;
      readonly payload: Uint8Array;
    }
  /** A seat of the same process; over a message port of its own. */
  | { readonly t: "pair"; readonly id: number; readonly seat: string }
  /** A seat elsewhere: its host is called at the address. `token`: of a worker at an address; absent: the caller's own. */
  | { readonly t: "dial"; readonly id: number; readonly seat: string; readonly address: string; readonly token: string | null };

export interface WireTensor {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly payload: Uint8Array;
}

/** [type, dims, bytes held]. */
export type WireSlot = readonly [TensorType, readonly number[], number];

export interface WireRun {
  readonly o: readonly (WireSlot | null)[];
  readonly waitedNs: number;
  readonly busyNs: number;
  readonly parts: readonly RunPart[];
  /** Where an append failed: what each came to, in order. */
  readonly a?: readonly (WireFailure | null)[];
}

export interface WireFailure {
  readonly code: ErrorCode;
  readonly where: string | null;
  readonly detail: string | null;
}

/** From a seat to the front end. */
export type FromSeat =
  | { readonly t: "opened"; readonly description: DeviceDescription; readonly pid: number }
  | { readonly t: "done"; readonly id: number; readonly value?: unknown; readonly payload?: Uint8Array }
  | { readonly t: "failed"; readonly id: number; readonly code: ErrorCode; readonly where: string | null; readonly detail: string | null }
  /** The worker has ended; nothing follows. */
  | { readonly t: "gone"; readonly code: ErrorCode; readonly where: string | null; readonly detail: string | null };

/** Between two seats. A message goes with its sort of use (0 tensors, 1 collectives) and number, which receiver and sender agree on. */
export type PeerMessage =
  /** `eager`: sent unasked, counts against the window until `credit` comes back. */
  | ({ readonly t: "data"; readonly lane: PeerLane; readonly tag: number; readonly eager: boolean } & WireTensor)
  /** The window is full: there is more under this tag. */
  | { readonly t: "offer"; readonly lane: PeerLane; readonly tag: number }
  /** One more of this tag is waited for. */
  | { readonly t: "grant"; readonly lane: PeerLane; readonly tag: number }
  | { readonly t: "credit"; readonly bytes: number }
  /** The other side cannot go on with the collective of this number. */
  | { readonly t: "abort"; readonly tag: number; readonly lost: boolean; readonly detail: string }
  /** From the host, in the other's name: it is gone. */
  | { readonly t: "gone"; readonly detail: string };

export type PeerLane = 0 | 1;

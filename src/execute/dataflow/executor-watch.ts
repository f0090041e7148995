import type { HeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { DeviceId, HandleId, StageId, StartCommand, TransferCommand, WayChosenCommand } from "../../engine/dataflow/dataflow-types.ts";
import type { RunPart } from "../device/device-driver.ts";
import type { GangRow } from "../gang/run-rank.ts";

/** Told what an executor does, when it has ended; never changes anything. Times are the executor's clock's. */
export interface ExecutorWatch {
  started(command: StartCommand): void;
  ran(run: RanTask): void;
  moved(move: MovedStorage): void;
  loaded(load: LoadedStage): void;
  failed(what: { readonly stage: StageId | undefined; readonly device: DeviceId; readonly error: HeddleError }): void;
  lost(device: DeviceId, error: HeddleError): void;
  joined(device: DeviceId): void;
  wayChosen(command: WayChosenCommand): void;
}

export interface RanTask {
  readonly command: StartCommand;
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
  /** Of that, on the device. */
  readonly busyNs: Nanoseconds;
  readonly parts: readonly RunPart[];
  /** Of a gang: what each member did, in its own order. */
  readonly members?: readonly (readonly GangRow[])[];
}

export interface MovedStorage {
  readonly command: TransferCommand;
  /** Whose bytes. */
  readonly handle: HandleId | undefined;
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
}

export interface LoadedStage {
  readonly stage: StageId;
  readonly device: DeviceId;
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
  readonly compileNs: Nanoseconds;
}

import type { Estimate } from "../../cost/estimate.ts";
import type { Bindings } from "../../graph/ir/expression.ts";
import type { DataType, Graph, OperatorId } from "../../graph/ir/graph.ts";
import type { StageModel } from "../../graph/program/program.ts";
import type { Device, DeviceKind, FigureBasis, Peak } from "../../rack/rack.ts";
import type { Collective, CollectiveGroup } from "./collective.ts";
import type { HostTensor, TensorType } from "./tensor.ts";

/**
 * One kind of execution target: opens devices that run stages of any graph. Implementations: the folders of `drivers/`.
 *
 * Serving of decoder models has a narrower contract of its own (`stage-driver.ts`), because KV pages and sampling rows are its business.
 */
export interface DeviceDriver {
  readonly id: string;
  /** Errors: `driver-missing` where a library or adapter is not there (with what to install), `device-failed` where it does not start. */
  open(device: DeviceOptions): Promise<OpenDevice>;
}

/** What a device is opened with: its row of the rack, and a limit on what may lie in its memory. Units: bytes. */
export interface DeviceOptions {
  readonly device: Device;
  readonly memoryBytes: number;
  /** Where compiled stages may be kept from run to run. */
  readonly cacheFolder?: string;
}

/**
 * A device, used from one thread. Runs come one at a time, in the order they are asked for; what runs may run beside the caller's thread.
 *
 * After a failure that leaves the device unusable every call ends with `device-failed`; other devices are not touched.
 */
export interface OpenDevice {
  describe(): DeviceDescription;
  /** Whether the operator can be part of a stage here, and why not. Never a guess: what is accepted compiles. */
  supports(graph: Graph, operator: OperatorId): Support;
  /** Errors: `stage-unsupported` with operator and reason; `device-failed`. */
  compile(stage: StageModel, options?: CompileOptions): Promise<CompiledStage>;
  /** Makes a compiled stage resident. Errors: `capacity` where its weights find no room; `device-failed`. */
  load(compiled: CompiledStage): Promise<ResidentStage>;
  /**
   * Copies a tensor to the device; one whose tensors lie in the host's memory may keep the array instead, which must not be changed any more.
   * `capacity`: rows (of the first axis) it may grow to by `append`.
   *
   * Errors: `capacity`; `stage-unsupported` for an element type it cannot hold.
   */
  upload(tensor: HostTensor, options?: { readonly capacity?: number }): Promise<DeviceTensor>;
  /** What it gives may be the device's own array: it is read, not changed. */
  download(tensor: DeviceTensor): Promise<HostTensor>;
  copy(tensor: DeviceTensor): Promise<DeviceTensor>;
  /** `target` with `rows` behind its own, along the first axis. `target` itself must not be used any more. Errors: `capacity`. */
  append(target: DeviceTensor, rows: DeviceTensor): Promise<DeviceTensor>;
  /** A tensor is freed once. */
  free(tensor: DeviceTensor): void;
  /** Takes part in a collective with the other members of a gang; gives this member's result. The buffer given stays. */
  collective(group: CollectiveGroup, call: Collective, buffer: DeviceTensor): Promise<DeviceTensor>;
  /** What a run of the stage would take, or why nothing can be said. */
  estimate(stage: StageModel, sizes: Bindings): Estimate | NoBasis;
  telemetry(): DeviceTelemetry;
  /** Resolves when what runs has ended; later runs are refused (`draining`). */
  drain(): Promise<void>;
  /** Frees everything, stages and tensors included. */
  close(): Promise<void>;
}

/** Whether a device runs an operator; where not, why. */
export type Support = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** No estimate, and what is missing for one. */
export interface NoBasis {
  readonly noBasis: string;
}

export interface CompileOptions {
  /** Sizes that static and bucketed devices compile for; dynamic ones need none. */
  readonly sizes?: Bindings;
  readonly signal?: AbortSignal;
}

/** A stage made ready for one device. */
export interface CompiledStage {
  /** Stage, driver, version and shapes: a blob is used again only where all are equal. */
  readonly key: string;
  readonly stage: StageModel;
  readonly weightBytes: number;
  /** Time the compiler took; 0 from the cache. Units: ns. */
  readonly compileNs: number;
  readonly fromCache: boolean;
}

/** A compiled stage in the device's memory. */
export interface ResidentStage {
  readonly compiled: CompiledStage;
  /** Time it took to make it resident, reconfiguration included. Units: ns. */
  readonly loadNs: number;
  /**
   * Runs it on tensors of this device, by name of port; outputs are new tensors of this device, inputs stay.
   *
   * Errors: `input-invalid` for a missing port, a wrong type or shape, before anything ran; `capacity`; `device-failed`; `draining`.
   */
  run(inputs: Readonly<Record<string, DeviceTensor>>): Promise<StageRun>;
  release(): Promise<void>;
}

/** What a run made, and how long it took. */
export interface StageRun {
  readonly outputs: Readonly<Record<string, DeviceTensor>>;
  /** From the run's start on the device to its end. Units: ns. */
  readonly busyNs: number;
  /** What the time went to, in order, where the device tells; adds up to `busyNs`. */
  readonly parts: readonly RunPart[];
}

export interface RunPart {
  readonly what: "launch" | "compute" | "padding" | "reconfigure" | "transfer" | "wait";
  readonly ns: number;
}

/** A tensor in a device's memory; what lies behind it is the driver's. */
export interface DeviceTensor {
  readonly type: TensorType;
  readonly dims: readonly number[];
  /** Bytes held in the device's memory, room to grow included. */
  readonly bytes: number;
}

/** What the device is and how it wants to be used. */
export interface DeviceDescription {
  readonly kind: DeviceKind;
  readonly driver: string;
  /** Of the driver's library. */
  readonly version: string;
  /** As the library names it: `cpu`, `webgpu (google, swiftshader)`, `GPU.0`. */
  readonly name: string;
  /** Largest unit it takes at once. */
  readonly boundary: "operator" | "stage" | "phase" | "model";
  readonly shapes: ShapeDiscipline;
  readonly residency: Residency;
  /** How state may be handed over. */
  readonly stateBoundary: "blocks" | "sequence" | "none";
  readonly numerics: Numerics;
  /** Whether tensors stay in a memory of its own between runs; otherwise they lie in the host's. */
  readonly memory: { readonly own: boolean; readonly capacityBytes: number; readonly basis: FigureBasis };
  readonly peaks: readonly Peak[];
  readonly collectives: readonly Collective["op"][];
}

export type ShapeDiscipline =
  | { readonly type: "dynamic" }
  /** Sizes of a symbol are padded to the next of these. */
  | { readonly type: "bucketed"; readonly sizes: readonly number[] }
  /** One compiled stage a combination of sizes. */
  | { readonly type: "static" };

export type Residency =
  | { readonly type: "stay" }
  | { readonly type: "stream" }
  /** Only so many stages at a time; another one costs a reconfiguration. Units: ns. */
  | { readonly type: "reconfigure"; readonly stages: number; readonly reconfigureNs: number };

export interface Numerics {
  /** Types products are computed in. */
  readonly formats: readonly DataType[];
  /** Whether a row's result may depend on its neighbours, and by how much of the row's largest value where it was measured. */
  readonly batchInvariance: { readonly invariant: boolean; readonly tolerance: number };
  /** Whether the same run gives the same bits again. */
  readonly deterministic: boolean;
  /** Operators whose results may be further off than the formats say. */
  readonly approximations?: readonly Approximation[];
}

/** What a device's specification lets some operators be off, beyond roundings. */
export interface Approximation {
  readonly operators: readonly string[];
  /**
   * Largest error, over the largest result; over 1 for functions whose range that is. `unrounded`: activations are taken as they are, where the
   * operator's definition rounds them to 8 bits, so that results are as far off as that rounding.
   */
  readonly error: number | "unrounded";
  /** Who says so, or why it is so. */
  readonly source: string;
}

/** Counts since the device was opened. Units: ns and bytes. */
export interface DeviceTelemetry {
  readonly runs: number;
  readonly failures: number;
  readonly busyNs: number;
  readonly compileNs: number;
  readonly reconfigurations: number;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Bytes of tensors and weights there now, and the most there were. */
  readonly heldBytes: number;
  readonly heldBytesMax: number;
  /** Elements computed only to fill a bucket, as a share of all, 0 to 1. */
  readonly paddedShare: number;
  /** Runs of an emulated device that the host could not keep pace with. */
  readonly lateRuns: number;
}

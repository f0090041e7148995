import type { Bytes, BytesPerSecond, Nanoseconds } from "../base/units.ts";
import type { ComputeFormat, GraphFormat } from "../graph/lower/compute-format.ts";
import type { Emulation } from "./emulation.ts";
import type { PeakType } from "./peak-type.ts";

export type { ComputeFormat, GraphFormat, PeakType };

/** Kinds of execution target a rack may hold; those without a driver here can be described and simulated. */
export type DeviceKind = "cpu" | "gpu" | "npu" | "ipu" | "dataflow" | "engine";
export type MemoryTier = "hbm" | "dram" | "cxl" | "nvme" | "remote";
/** Basis of a figure of the rack file. */
export type FigureBasis = "measured" | "data-sheet";

/** A rack: what `heddle rack discover` writes and every plan is made for. */
export interface Rack {
  readonly version: 1;
  readonly name: string;
  /** Hash over CPU model, core count, memory, Node and driver versions; calibrations are kept under it. */
  readonly fingerprint: string;
  readonly devices: readonly Device[];
  readonly memories: readonly Memory[];
  readonly links: readonly Link[];
}

export interface Device {
  readonly id: string;
  readonly kind: DeviceKind;
  /** Driver that runs it: the name of a folder of `execute/drivers/`, or of a driver the user brings. */
  readonly driver: string;
  /** What the driver is to open, where it has several: an execution provider (`webgpu`), a plugin (`GPU.0`). */
  readonly target?: string;
  /** Machine or process it is lost with; devices without one are on the front end's machine, each in a process of its own. */
  readonly host?: string;
  /** Where its worker listens, `tcp://host:port` or `unix:/path`; absent where heddle starts it. */
  readonly address?: string;
  /** Threads one worker of it uses; the choice is measured. */
  readonly threads: number;
  /** Cores of the host it occupies; devices that share cores cannot work at full speed together. */
  readonly cores: readonly number[];
  readonly memory: string;
  /** Measured operator tables; absent until calibrated. */
  readonly calibration?: DeviceCalibration;
  /** Most operations a second, by element type; one row a type. */
  readonly peaks?: readonly Peak[];
  /** Fixed costs of a device that is not calibrated. */
  readonly overheads?: Overheads;
  /** How it is stood in for where it is not there; only and always with driver `emulated`. */
  readonly emulation?: Emulation;
}

/** Operations a second that a device reaches on dense matrix products; a multiply-add counts 2. */
export interface Peak {
  readonly type: PeakType;
  readonly operationsPerSecond: number;
  readonly basis: FigureBasis;
  readonly source: string;
}

/** Fixed cost of one run of a model, and of each operator in it. */
export interface Overheads {
  readonly launchNs: Nanoseconds;
  readonly operatorNs: Nanoseconds;
  readonly basis: FigureBasis;
  readonly source: string;
}

export interface Memory {
  readonly id: string;
  readonly tier: MemoryTier;
  readonly capacityBytes: Bytes;
  readonly bandwidthBytesPerSecond: BytesPerSecond;
  readonly basis: FigureBasis;
  readonly source?: string;
}

export interface Link {
  readonly from: string;
  readonly to: string;
  readonly via: "same-thread" | "message-port" | "process" | "network";
  readonly latencyNs: Nanoseconds;
  readonly bandwidthBytesPerSecond: BytesPerSecond;
  readonly basis: FigureBasis;
  readonly source?: string;
}

/** Measured times of one device; every figure is a median of repeated runs. */
export interface DeviceCalibration {
  /** y = x·Wᵀ for `m` rows, weights [n, k]; of how many bits, where the format leaves it to the file (`block-int8`). */
  readonly products: readonly {
    readonly format: ComputeFormat;
    readonly bits?: 4 | 8;
    readonly m: number;
    readonly n: number;
    readonly k: number;
    readonly ns: Nanoseconds;
  }[];
  /** Attention of one layer for `rows` new tokens of one sequence after `context` cached ones. */
  readonly attention: readonly {
    readonly rows: number;
    readonly context: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly headDim: number;
    readonly ns: Nanoseconds;
  }[];
  /** Fixed cost of one run of a model with nothing in it, and of each further small operator. */
  readonly launchNs: Nanoseconds;
  readonly operatorNs: Nanoseconds;
  /** Decode steps in heddle's own kernels (format `block-int8`), or why there are none; absent where nobody asked. */
  readonly kernels?: KernelCalibration | { readonly refused: string };
  /** Rate at which weights stream through a product at m = 1. */
  readonly streamBytesPerSecond: BytesPerSecond;
  /** Relative spread (90 %) of repeated measurements: the noise floor of every prediction made from them. */
  readonly noise: number;
  /** Factor (>= 1) by which its times grow while the other cores of its memory do the same work; absent where it was not measured. */
  readonly concurrentSlowdown?: number;
}

/** What decode steps in heddle's own kernels take beside their products. */
export interface KernelCalibration {
  /** Attention of one layer for one new token of each of `sequences`, after `context` cached ones. */
  readonly attention: readonly {
    readonly sequences: number;
    readonly context: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly headDim: number;
    readonly ns: Nanoseconds;
  }[];
  /** Fixed cost of a step, and of each of its layers. */
  readonly stepNs: Nanoseconds;
  readonly layerNs: Nanoseconds;
}

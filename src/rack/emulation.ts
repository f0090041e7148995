import type { BytesPerSecond, Nanoseconds } from "../base/units.ts";
import type { DataType } from "../graph/ir/graph.ts";
import type { PeakType } from "./peak-type.ts";

/**
 * How a device that is not there is stood in for: another driver computes, and the description says what may be asked of the device and how long it takes.
 *
 * Peaks, memory and overheads are those of the device's rack row. What comes of it is called emulated wherever it is shown; it says nothing of the
 * accuracy of the device it is named after.
 */
export interface Emulation {
  /** Driver whose arithmetic it uses. */
  readonly arithmetic: "ort" | "ort-wasm";
  /** Type its products count as: the peak of this type is the one that holds. */
  readonly format: PeakType;
  /**
   * `inputs`: what enters a stage, and its stored tensors, are rounded to the format before they are computed with; sums stay f32. `none`: f32 is
   * computed, and only the time is the format's.
   */
  readonly rounding: "none" | "inputs";
  readonly shapes: EmulatedShapes;
  readonly residency: EmulatedResidency;
  readonly boundary: "operator" | "stage" | "phase" | "model";
  readonly stateBoundary: "blocks" | "sequence" | "none";
  /** Operators it takes; all that the arithmetic takes where this is absent. */
  readonly operators?: EmulatedOperators;
  /** Time to compile a stage, of the host's clock: the compiler runs there. A static device pays it for every combination of sizes. */
  readonly compileNs: Nanoseconds;
  /** Wall seconds a second of the device takes, so that a host can keep pace; compiling is not slowed. */
  readonly slowdown: number;
  /** Seed of what the device and its links differ from their figures (`hidden-deviations.ts`); absent: nothing. */
  readonly deviationSeed?: number;
  /** Where the description is from, and what of it is assumed. */
  readonly source: string;
  /** Of the device's memory, so that its row says all a driver needs; not part of the file: `readRack` puts it there. */
  readonly memoryBytesPerSecond?: BytesPerSecond;
}

export type EmulatedShapes =
  | { readonly type: "dynamic" }
  /** Sizes of a symbol are padded to the next of these, ascending. */
  | { readonly type: "bucketed"; readonly sizes: readonly number[] }
  | { readonly type: "static" };

export type EmulatedResidency =
  | { readonly type: "stay" }
  /** Weights come from elsewhere in every run, at this rate. */
  | { readonly type: "stream"; readonly bytesPerSecond: number }
  /** Room for so many stages; another one costs a reconfiguration. */
  | { readonly type: "reconfigure"; readonly stages: number; readonly reconfigureNs: Nanoseconds };

export type EmulatedOperators =
  | { readonly allow: readonly OperatorFilter[] }
  | { readonly deny: readonly (OperatorFilter & { readonly reason: string })[] };

/** Operators that match in all that is given: domain (`onnx`, `com.microsoft`), type (`Conv`), element type of any input or output. */
export interface OperatorFilter {
  readonly domain?: string;
  readonly type?: string;
  readonly element?: DataType;
}

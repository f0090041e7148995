import type { Nanoseconds } from "../../base/units.ts";

/**
 * A batch of tasks that comes to a rack with nothing else to do, all of it known, as a policy sees it. All times are predictions, from now on.
 *
 * Tasks of one kind take alike: one stage at one footprint. Arrays are by task, or rows of devices by task, kind or stage.
 */
export interface BatchView {
  readonly devices: number;
  readonly classes: number;
  readonly classOf: Int32Array;
  readonly memoryOf: Int32Array;
  /** When each device is free. */
  readonly freeNs: Float64Array;
  /** By kind and device: a unit of work; Infinity where it cannot run. */
  readonly unitNs: Float64Array;
  readonly stageOfKind: Int32Array;
  /** By stage and device: what loading it takes; 0 where it is loaded. Loaded once, it stays. */
  readonly loadNs: Float64Array;
  readonly kind: Int32Array;
  readonly work: Float64Array;
  /** What handing a task's results to another memory takes. */
  readonly handoverNs: Float64Array;
  /** When what a task takes from outside the batch could be in the device's memory. */
  readonly dataNs: Float64Array;
  /** Tasks whose results it takes; each earlier in the list. */
  readonly before: readonly (readonly number[])[];
}

/** Where and when each task of a batch is to run. */
export interface BatchSchedule {
  readonly device: Int32Array;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  /** When the last one ends. */
  readonly lengthNs: Nanoseconds;
}

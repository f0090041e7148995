import type { BytesPerSecond, Nanoseconds } from "../../base/units.ts";

/** A directed link of the multigraph; its id is its place in the list. A rate of 0 is a link that is down. */
export interface FlowLink {
  readonly bytesPerSecond: BytesPerSecond;
}

export interface FlowOptions {
  /** Share of a link against other flows of the same priority; 1 where absent. */
  readonly weight?: number;
  /** Strict: a flow gets what flows of a higher priority leave. Whole, 0 where absent. */
  readonly priority?: number;
  /** Rate it never exceeds, such as that of one connection. */
  readonly bytesPerSecondMax?: BytesPerSecond;
}

export interface FlowFinish {
  /** First whole nanosecond at which all bytes are there. */
  readonly timeNs: Nanoseconds;
  readonly flow: number;
}

/** Told of each flow that ended, in order of time, then of start. */
export type OnFinish = (flow: number, timeNs: Nanoseconds) => void;

/**
 * Flows that share links by weighted max-min fairness within strict priorities.
 *
 * Time never goes back: a call that changes something has a `nowNs` of at least that of the one before. Flows that ended before it are kept until
 * `advance` tells of them, with the time at which they ended.
 */
export interface FlowNetwork {
  /** Starts `flow` (any whole number that is not under way) over links; an empty path or 0 bytes end at once. */
  start(flow: number, path: ArrayLike<number>, size: { readonly bytes: number; readonly nowNs: Nanoseconds }, options?: FlowOptions): void;
  /** Takes a flow out; returns the bytes not yet moved. */
  cancel(flow: number, nowNs: Nanoseconds): number;
  /** The first end not yet told, else the next flow to end if nothing starts before. Absent: nothing is under way, or nothing moves. */
  nextFinish(): FlowFinish | undefined;
  /** Moves time to `nowNs` unless it is there, and tells of what ended until `nowNs`; returns how many. */
  advance(nowNs: Nanoseconds, onFinish?: OnFinish): number;
  /** A link changes speed, or goes down (0). */
  setCapacity(link: number, bytesPerSecond: BytesPerSecond, nowNs: Nanoseconds): void;
  /** Present rate of a flow. */
  rateOf(flow: number): BytesPerSecond;
  /** Flows under way. */
  readonly size: number;
}

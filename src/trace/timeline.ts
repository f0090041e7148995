import type { Nanoseconds } from "../base/units.ts";

/** What happened on a rack, for people and for viewers. */
export interface Timeline {
  readonly name: string;
  /** In the order they are shown: devices first, then links. */
  readonly tracks: readonly Track[];
  /** In any order. */
  readonly slices: readonly Slice[];
  /** Hand-overs: arrows from the end of one slice to the start of another. */
  readonly flows: readonly Flow[];
}

export interface Track {
  readonly id: string;
  readonly kind: "device" | "link";
  readonly name: string;
}

export type SliceKind =
  | "run"
  | "launch"
  | "compute"
  | "padding"
  | "reconfigure"
  | "wait"
  | "compile"
  | "load"
  | "transfer"
  | "collective"
  | "lost"
  /** At a moment: work that comes again goes to this device, or no more to one alone. */
  | "way";

/** A stretch of time on a track. */
export interface Slice {
  readonly track: string;
  readonly kind: SliceKind;
  readonly name: string;
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
  /** Task, stage, bytes, predicted and actual times …: shown as they are. */
  readonly args: Readonly<Record<string, string | number | boolean>>;
}

/** Numbers of slices in the timeline's list. */
export interface Flow {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

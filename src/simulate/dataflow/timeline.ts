import type { Nanoseconds } from "../../base/units.ts";

/** What a device or a link did from one instant to another. */
export interface TimelineRow {
  readonly resource: { readonly device: number } | { readonly link: number };
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
  readonly what: "run" | "load" | "transfer";
  /** Task, stage or storage. */
  readonly of: number;
  /** A run or transfer that came to nothing. */
  readonly failed: boolean;
}

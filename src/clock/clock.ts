import type { Nanoseconds } from "../base/units.ts";

/** Time as an engine's host sees it: monotonic, relative to the start of the run. Twins: `virtual-clock.ts`, `execute/wall-clock.ts`. */
export interface Clock {
  now(): Nanoseconds;
  /** Calls `fire` once at `at` (at once when `at` has passed), never from inside this call. */
  schedule(at: Nanoseconds, fire: () => void): ClockTimer;
}

export interface ClockTimer {
  cancel(): void;
}

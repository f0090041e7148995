import type { Nanoseconds } from "../base/units.ts";

/** Where a number comes from. */
export type Basis = "measured" | "interpolated" | "extrapolated" | "data-sheet";

/** A predicted duration with its 90 % interval; built to be shown, never carried on hot paths. */
export interface Estimate {
  readonly valueNs: Nanoseconds;
  readonly lowNs: Nanoseconds;
  readonly highNs: Nanoseconds;
  readonly basis: Basis;
  readonly source: string;
}

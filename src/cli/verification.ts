import type { Nanoseconds, Ratio } from "../base/units.ts";
import type { SpeedReading } from "../cost/speed-now.ts";
import type { ObservedRun } from "../execute/calibrate/calibration-store.ts";
import type { Bar } from "../simulate/bar.ts";

/** One figure, simulated and live. */
export interface ComparedFigure {
  readonly metric: "TTFT" | "TPOT" | "E2E";
  readonly statistic: "p50" | "p90";
  /** Median over the simulated runs, with the central 90 %. Units: ns. */
  readonly simulated: Bar;
  readonly liveNs: Nanoseconds;
  /** (simulated - live) / live. */
  readonly error: Ratio;
  readonly covered: boolean;
  /** Half the bar over its value. */
  readonly halfWidth: Ratio;
}

export interface Comparison {
  readonly figures: readonly ComparedFigure[];
  /** Share of the figures whose bar holds the live value, and the median half-width of the bars. */
  readonly coverage: Ratio;
  readonly halfWidth: Ratio;
}

/** How fast the rack was by probes just before and just after a live run. */
export interface RackSpeed {
  /** Absent where the probe had no steps. */
  readonly before?: SpeedReading;
  readonly after?: SpeedReading;
  /** Weight of the probe in the prediction, beside earlier runs. */
  readonly probeWeight: Ratio;
}

/** One arrival list, run live and simulated. */
export interface Verification {
  readonly load: Ratio;
  readonly seed: number;
  /** Predicted capacity. Units: requests per second. */
  readonly capacity: number;
  readonly requests: number;
  readonly finished: number;
  readonly runs: number;
  readonly sources: readonly string[];
  readonly speed: RackSpeed;
  readonly comparison: Comparison;
  /** What the live run showed of each replica's iterations, by replica. */
  readonly observed: readonly ObservedRun[];
}

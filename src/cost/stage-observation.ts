import type { Ratio } from "../base/units.ts";

/** One iteration of one stage as it ran live, beside what the tables had said of its two parts; those of a run are in order. Units: ns. */
export interface StageObservation {
  /** Runs are numbered apart: what differs between runs is systematic, what differs within one is noise. */
  readonly run: number;
  readonly predictedDecodeNs: number;
  readonly predictedPrefillNs: number;
  readonly measuredNs: number;
  /** Decoding rows, and tokens of prompts' chunks; unknown where absent. */
  readonly decodeRows?: number;
  readonly promptTokens?: number;
  /** Mean share of the memory's other cores that worked meanwhile; unknown where absent. */
  readonly besideShare?: Ratio;
}

import type { Ratio } from "../../base/units.ts";
import type { DataflowPolicyParameters } from "../../policy/dataflow-policy.ts";
import type { DataflowRack } from "./dataflow-types.ts";

/** What a dataflow engine is made for; plain data. */
export interface DataflowConfig {
  readonly rack: DataflowRack;
  readonly limits: DataflowLimits;
  readonly policy: DataflowPolicyParameters;
  /** Work that comes again is also tried on one device alone, and stays where it was quickest. Absent: it goes over all devices always. */
  readonly compareWays?: boolean;
}

export interface DataflowLimits {
  /** Tasks accepted and not ended; a submission beyond is refused. */
  readonly pendingMax: number;
  /** Share of it below which submissions are welcome again after a refusal. */
  readonly acceptAgainBelow: Ratio;
  /** Tasks assigned to one device and not started. */
  readonly queueDepth: number;
  /** Of these, the first so many have their inputs moved ahead of time. */
  readonly prefetchDepth: number;
  /** Runs of one task that may fail before it does. */
  readonly attemptsMax: number;
  /** Runs of one task that may be lost with their device before it fails. */
  readonly lossesMax: number;
  /** Transfers for one task or fetch that may fail. */
  readonly transferFailuresMax: number;
  /** A value that would take so many runs in a row to make again is copied home. */
  readonly lineageDepthMax: number;
  /** Contributions that one combine takes. */
  readonly combineMax: number;
  /** A recording is made again when a learned time is off by more than this factor. */
  readonly driftMax: Ratio;
}

export const DATAFLOW_LIMITS: DataflowLimits = {
  pendingMax: 16_384,
  acceptAgainBelow: 0.75,
  queueDepth: 16,
  prefetchDepth: 4,
  attemptsMax: 4,
  lossesMax: 10,
  transferFailuresMax: 10,
  lineageDepthMax: 64,
  combineMax: 8,
  driftMax: 1.25,
};

export const DATAFLOW_POLICY_PARAMETERS: DataflowPolicyParameters = { energyNsPerJoule: 0, exploreSamples: 2, explorePriceMax: 2 };

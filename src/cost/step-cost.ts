import type { Nanoseconds, Ratio } from "../base/units.ts";
import type { RunSpread } from "./run-spread.ts";
import type { StepNoise } from "./step-noise.ts";

/** What the cost of one iteration depends on. */
export interface StepShape {
  /** Prefill chunks: `count` new tokens after `context` tokens already in the cache. */
  readonly prefill: readonly { readonly count: number; readonly context: number }[];
  /** Context length of every decoding row (tokens in its cache before this step). */
  readonly decodeContexts: readonly number[];
  /** Sealed pages copied to the start of lanes that open; none when absent. */
  readonly gatheredPages?: number;
  /** Incomplete blocks sealed where prompts end inside them; none when absent. Complete ones follow from the rows. */
  readonly partSeals?: number;
  /** Rows whose logits are computed and sampled. */
  readonly sampledRows: number;
}

/** Prices iterations of one stage on one device with the formats its plan chose. Pure; the same model prices plans, policies and simulation. */
export interface StepCost {
  /** Expected time of the stage, without queueing or transfers. Units: ns. */
  stageNs(stage: number, shape: StepShape): Nanoseconds;
  /**
   * Time to hand `rows` rows of the residual stream from a stage to the next. For the last stage: time in which `rows` sampled rows become tokens
   * known to the engine (drawing, messages). Units: ns.
   */
  handOverNs(stage: number, rows: number): Nanoseconds;
  /** How far steps lie off: the systematic part is drawn once a run, the noise goes on from step to step. */
  readonly spread: RunSpread & StepNoise;
  /** Factor (>= 1) by which steps take longer while all other cores of their memory work, where live runs showed it; else the rack says. */
  readonly besideSlowdown?: Ratio;
}

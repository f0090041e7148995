import type { Priced } from "./priced.ts";
import type { StageFormat } from "./stage-format.ts";
import type { StepShape } from "./step-cost.ts";

/** What the cost of a stage depends on besides the iteration; a `StagePlan` is one. */
export interface CostedStage {
  readonly fromLayer: number;
  readonly toLayer: number;
  readonly device: string;
  readonly driver: string;
  readonly threads: number;
  readonly prefillFormat: StageFormat;
  readonly decodeFormat: StageFormat;
}

/** Prices one part of an iteration of a stage. */
export type PartPricer = (shape: StepShape) => Priced;

/** An iteration of a stage in its two parts: the decoding rows, and what prefill chunks add; the first may share their run and cost less for it. */
export interface StageParts {
  readonly decode: PartPricer;
  readonly prefill: PartPricer;
}

/** Prices iterations of one stage. */
export interface StagePricer extends StageParts {
  /** Where the figures come from, for people. */
  readonly source: string;
  /** Relative half-width (90 %) of one step's own scatter. */
  readonly noise: number;
}

export const FREE: Priced = { ns: 0, spread: 0, basis: "measured" };

import { assert } from "../../base/assert.ts";
import { evaluatePlacement } from "./evaluate.ts";
import { layerBound } from "./layer-bound.ts";
import { flowOf, flowScorer } from "./placement-flow.ts";
import { checkLayerFlow, type LayerFlowProblem, type Placement } from "./problem.ts";
import { type Found, type LayerFlowOptions, searchPlacements } from "./search.ts";

export interface LayerFlowPlan {
  readonly placement: Placement;
  /** Tokens a second, from the evaluator; 0 where no placement that lets any through was found. */
  readonly value: number;
  /** A flow that no placement exceeds. */
  readonly bound: number;
  /** (bound - value) / bound: 0 where the value is proven to be the most. */
  readonly gap: number;
  readonly method: Found["method"];
  /** Placements scored. */
  readonly moves: number;
}

/** A gap that is rounding. */
const GAP_ZERO = 1e-9;

/**
 * Places layers so that the flow of tokens through the model is largest, until the bound is met or the moves are spent.
 *
 * Why: the flow knows neither latency nor how many sequences fit; `place-for-serving.ts` does.
 * Source: Mei et al., ASPLOS 2025, for the problem, which that work hands to a solver of integer programmes.
 */
export function placeLayers(problem: LayerFlowProblem, options: LayerFlowOptions = {}): LayerFlowPlan {
  checkLayerFlow(problem);
  const bound = layerBound(problem);
  const scorer = flowScorer(problem);
  const found = searchPlacements(problem, { worth: (placement) => flowOf(scorer, placement), enough: bound * (1 - GAP_ZERO) }, options);
  const { flow, breaches } = evaluatePlacement(problem, found.placement);
  assert(breaches.length === 0, "a placement keeps ranges and memory", breaches);
  const gap = bound > 0 ? (bound - flow) / bound : 0;
  return { ...found, value: flow, bound, gap: gap < GAP_ZERO ? 0 : gap };
}

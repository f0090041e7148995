import { assert } from "../../base/assert.ts";
import { seededPrng } from "../../base/prng.ts";
import { anneal } from "./anneal.ts";
import { evaluatePlacement } from "./evaluate.ts";
import { layerBound } from "./layer-bound.ts";
import { flowOf, flowScorer } from "./placement-flow.ts";
import { checkLayerFlow, type LayerFlowProblem, type Placement } from "./problem.ts";
import { type Start, starts } from "./starts.ts";

export interface LayerFlowOptions {
  readonly seed?: number;
  /** Placements scored by the search at most. */
  readonly moves?: number;
  /** Asked now and then; the answer is the best so far. */
  readonly shouldStop?: () => boolean;
}

export interface LayerFlowPlan {
  readonly placement: Placement;
  /** Tokens a second, from the evaluator; 0 where no placement that lets any through was found. */
  readonly value: number;
  /** A flow that no placement exceeds. */
  readonly bound: number;
  /** (bound - value) / bound: 0 where the value is proven to be the most. */
  readonly gap: number;
  readonly method: Start["rule"] | "annealing";
  /** Placements scored. */
  readonly moves: number;
}

const MOVES = 400_000;
/** Placements of one round of annealing at most, and rounds that a budget is split into at least. */
const ROUND_MOVES = 100_000;
const ROUNDS_MIN = 16;
/** Best starts that rounds take turns with. */
const STARTS_KEPT = 8;
/** Temperatures at which rounds start, in turn. */
const HOT: readonly number[] = [0.06, 0.06, 0.06, 0.06, 0.06, 0.06, 0.25, 0.06];
const COLD = 0.0005;
/** A gap that is rounding. */
const GAP_ZERO = 1e-9;

/**
 * Places layers so that the flow of tokens through the model is largest: simple placements first, then rounds of annealing from the best of them and from the
 * best so far, until the bound is met or the moves are spent.
 *
 * Source: Mei et al., ASPLOS 2025, for the problem, which that work hands to a solver of integer programmes.
 */
export function placeLayers(problem: LayerFlowProblem, options: LayerFlowOptions = {}): LayerFlowPlan {
  checkLayerFlow(problem);
  const bound = layerBound(problem);
  const scorer = flowScorer(problem);
  const goal = bound * (1 - GAP_ZERO);
  const stop = options.shouldStop ?? ((): boolean => false);
  const ranked = rankedStarts(problem, (placement) => flowOf(scorer, placement));
  let best = { ...ranked.kept[0]!, method: ranked.kept[0]!.rule as LayerFlowPlan["method"] };
  let moves = ranked.tried;
  const movesMax = options.moves ?? MOVES;
  for (let round = 0; moves < movesMax && best.value < goal && !stop(); round++) {
    // Rounds from a start and from the best so far take turns.
    const fresh = round % 2 === 0;
    const from = fresh ? ranked.kept[(round / 2) % ranked.kept.length]!.placement : best.placement;
    const found = anneal(problem, from, {
      worth: (placement) => flowOf(scorer, placement),
      prng: seededPrng((options.seed ?? 1) + round),
      options: {
        moves: Math.min(ROUND_MOVES, movesMax / ROUNDS_MIN, movesMax - moves),
        hot: HOT[round % HOT.length]!,
        cold: COLD,
        goal,
        shouldStop: stop,
      },
    });
    moves += found.moves;
    if (found.value > best.value) best = { ...best, ...found, method: "annealing" };
  }
  const { flow, breaches } = evaluatePlacement(problem, best.placement);
  assert(breaches.length === 0, "a placement keeps ranges and memory", breaches);
  const gap = bound > 0 ? (bound - flow) / bound : 0;
  return { placement: best.placement, value: flow, bound, gap: gap < GAP_ZERO ? 0 : gap, method: best.method, moves };
}

interface Ranked {
  readonly kept: readonly (Start & { readonly value: number })[];
  readonly tried: number;
}

/** The best starts, of each rule only one of a value. */
function rankedStarts(problem: LayerFlowProblem, worth: (placement: Placement) => number): Ranked {
  const all = Array.from(starts(problem), (start) => ({ ...start, value: worth(start.placement) }));
  const kept: (Start & { readonly value: number })[] = [];
  for (const start of all.sort((a, b) => b.value - a.value)) {
    if (kept.length < STARTS_KEPT && !kept.some(({ value, rule }) => value === start.value && rule === start.rule)) kept.push(start);
  }
  return { kept, tried: all.length };
}

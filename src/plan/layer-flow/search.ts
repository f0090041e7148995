import { seededPrng } from "../../base/prng.ts";
import { anneal } from "./anneal.ts";
import type { LayerFlowProblem, Placement } from "./problem.ts";
import { type Start, starts } from "./starts.ts";

export interface LayerFlowOptions {
  readonly seed?: number;
  /** Placements scored by the search at most. */
  readonly moves?: number;
  /** Asked now and then; the answer is the best so far. */
  readonly shouldStop?: () => boolean;
}

/** What a search is for. */
export interface SearchGoal {
  readonly worth: (placement: Placement) => number;
  /** Worth at which to stop. */
  readonly enough: number;
  /** Placements to start from besides the simple ones. */
  readonly given?: readonly Placement[];
}

export interface Found {
  readonly placement: Placement;
  readonly value: number;
  readonly method: Start["rule"] | "annealing" | "given";
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

/** Simple placements first, then rounds of annealing from the best of them and from the best so far. */
export function searchPlacements(problem: LayerFlowProblem, { worth, enough, given = [] }: SearchGoal, options: LayerFlowOptions): Found {
  const stop = options.shouldStop ?? ((): boolean => false);
  const movesMax = options.moves ?? MOVES;
  const ranked = rankedStarts([...starts(problem), ...given.map((placement) => ({ rule: "given" as const, placement }))], worth);
  let best: Found = { ...ranked.kept[0]!, method: ranked.kept[0]!.rule, moves: 0 };
  let moves = ranked.tried;
  for (let round = 0; moves < movesMax && best.value < enough && !stop(); round++) {
    // Rounds from a start and from the best so far take turns.
    const fresh = round % 2 === 0;
    const from = fresh ? ranked.kept[(round / 2) % ranked.kept.length]!.placement : best.placement;
    const found = anneal(problem, from, {
      worth,
      prng: seededPrng((options.seed ?? 1) + round),
      options: {
        moves: Math.min(ROUND_MOVES, movesMax / ROUNDS_MIN, movesMax - moves),
        hot: HOT[round % HOT.length]!,
        cold: COLD,
        goal: enough,
        shouldStop: stop,
      },
    });
    moves += found.moves;
    if (found.value > best.value) best = { ...found, method: "annealing" };
  }
  return { placement: best.placement, value: best.value, method: best.method, moves };
}

interface Ranked {
  readonly rule: Start["rule"] | "given";
  readonly placement: Placement;
  readonly value: number;
}

/** The best starts, of each rule only one of a value. */
function rankedStarts(
  all: readonly Omit<Ranked, "value">[],
  worth: (placement: Placement) => number,
): { readonly kept: readonly Ranked[]; readonly tried: number } {
  const kept: Ranked[] = [];
  for (const start of all.map((one) => ({ ...one, value: worth(one.placement) })).sort((a, b) => b.value - a.value)) {
    if (kept.length < STARTS_KEPT && !kept.some(({ value, rule }) => value === start.value && rule === start.rule)) kept.push(start);
  }
  return { kept, tried: all.length };
}

import { exp, ln } from "../../base/math.ts";
import type { Prng } from "../../base/prng.ts";
import { MOVES } from "./moves.ts";
import { type LayerFlowProblem, type Placement, rateOf } from "./problem.ts";

export interface AnnealOptions {
  /** Moves tried. */
  readonly moves: number;
  /** Temperatures at the start and the end, as shares of the best score at the start. */
  readonly hot: number;
  readonly cold: number;
  /** Value at which to stop. */
  readonly goal: number;
  readonly shouldStop: () => boolean;
}

export interface Annealed {
  readonly placement: Placement;
  readonly value: number;
  readonly moves: number;
}

/** Moves between two changes of temperature and two questions whether to stop. */
const STEP_MOVES = 256;
/** Weight of the evenness of layers beside the value. */
const EVENNESS = 0.15;
/** A layer that no machine holds counts as this share of the mean. */
const BARE = 0.02;

/**
 * Simulated annealing over placements for the largest value; the best one met is returned.
 *
 * Model: the score adds to the value a soft minimum over layers of the rates that hold them, so that a step towards wider weak layers counts before the
 * flow, the least of many cuts, rises.
 */
export function anneal(
  problem: LayerFlowProblem,
  from: Placement,
  { worth, prng, options }: { readonly worth: (placement: Placement) => number; readonly prng: Prng; readonly options: AnnealOptions },
): Annealed {
  const now = copyOf(from);
  const before = copyOf(from);
  let best = copyOf(from);
  let value = worth(now);
  let bestValue = value;
  let score = value + EVENNESS * evenness(problem, now);
  const scale = Math.max(score, 1e-9);
  const cooling = exp((ln(options.cold / options.hot) * STEP_MOVES) / Math.max(STEP_MOVES, options.moves));
  let temperature = options.hot * scale;
  let tried = 0;
  while (tried < options.moves && bestValue < options.goal && !options.shouldStop()) {
    for (let i = 0; i < STEP_MOVES; i++) {
      const move = MOVES[prng.nextBelow(MOVES.length)]!;
      if (!move(problem, now, prng)) {
        copyInto(now, before);
        continue;
      }
      const found = worth(now);
      const newScore = found + EVENNESS * evenness(problem, now);
      if (newScore < score && prng.nextFloat() >= exp((newScore - score) / temperature)) {
        copyInto(now, before);
        continue;
      }
      copyInto(before, now);
      score = newScore;
      value = found;
      if (value > bestValue) {
        bestValue = value;
        best = copyOf(now);
      }
    }
    tried += STEP_MOVES;
    temperature *= cooling;
  }
  return { placement: best, value: bestValue, moves: tried };
}

/** Soft minimum over layers of the summed rates of those that hold them: the power mean of exponent -8. */
function evenness(problem: LayerFlowProblem, { start, count }: Placement): number {
  const rates = new Float64Array(problem.layers + 1);
  for (let i = 0; i < count.length; i++) {
    const rate = rateOf(problem, i, count[i]!);
    rates[start[i]!] = rates[start[i]!]! + rate;
    rates[start[i]! + count[i]!] = rates[start[i]! + count[i]!]! - rate;
  }
  let running = 0;
  let mean = 0;
  for (let layer = 0; layer < problem.layers; layer++) {
    running += rates[layer]!;
    rates[layer] = running;
    mean += running / problem.layers;
  }
  let sum = 0;
  for (let layer = 0; layer < problem.layers; layer++) {
    const part = mean / Math.max(rates[layer]!, BARE * mean);
    const squared = part * part * part * part;
    sum += squared * squared;
  }
  return mean / Math.sqrt(Math.sqrt(Math.sqrt(sum / problem.layers)));
}

export function copyOf({ start, count }: Placement): Placement {
  return { start: start.slice(), count: count.slice() };
}

function copyInto(to: Placement, from: Placement): void {
  to.start.set(from.start);
  to.count.set(from.count);
}

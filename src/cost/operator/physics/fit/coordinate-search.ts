import { exp } from "../../../../base/math.ts";
import { seededPrng } from "../../../../base/prng.ts";

/** Numbers that are searched, by name; all above 0. */
export type Parameters = Readonly<Record<string, number>>;

export interface SearchOptions {
  /** Names that may move; the others stay. */
  readonly free: readonly string[];
  /** Least and largest value of some; the others lie above 1e-6. */
  readonly bounds: Readonly<Record<string, readonly [number, number]>>;
  /** Evaluations of the loss at most. */
  readonly evaluations: number;
}

const FIRST_STEP = 0.4;
const GROW = 1.3;
const SHRINK = 0.6;
const LEAST_STEP = 0.01;
const LEAST_GAIN = 1e-6;
/** Where a factor can no longer move a value, a step starts from here. */
const NEAR_ZERO = 1e-3;
const LEAST_VALUE = 1e-6;
const DRAWS = 4;
const SEED = 7;

/**
 * Parameters of least loss near a start: each moves by a factor up and down in turn, with a step of its own that grows where it helps and shrinks where
 * not; a few random directions between the rounds. Deterministic.
 */
export function coordinateSearch(start: Parameters, loss: (at: Parameters) => number, options: SearchOptions): Parameters {
  const prng = seededPrng(SEED);
  const steps: Record<string, number> = Object.fromEntries(options.free.map((name) => [name, FIRST_STEP]));
  let best = start;
  let least = loss(start);
  let used = 1;
  const attempt = (at: Parameters): boolean => {
    used++;
    const now = loss(at);
    if (!(now < least - LEAST_GAIN)) return false;
    best = at;
    least = now;
    return true;
  };
  const moved = (name: string, by: number): number => bounded(options, name, Math.max(best[name]!, by > 0 ? NEAR_ZERO : 0) * exp(by));
  while (used < options.evaluations) {
    let improved = false;
    for (const name of options.free) {
      const step = steps[name]!;
      if (attempt({ ...best, [name]: moved(name, step) }) || attempt({ ...best, [name]: moved(name, -step) })) {
        improved = true;
        steps[name] = step * GROW;
      } else steps[name] = step * SHRINK;
    }
    for (let draw = 0; draw < DRAWS; draw++) {
      const at: Record<string, number> = { ...best };
      for (const name of options.free) at[name] = moved(name, (prng.nextFloat() - 0.5) * 2 * steps[name]!);
      if (attempt(at)) improved = true;
    }
    if (!improved && options.free.every((name) => steps[name]! < LEAST_STEP)) break;
  }
  return best;
}

function bounded(options: SearchOptions, name: string, value: number): number {
  const [low, high] = options.bounds[name] ?? [LEAST_VALUE, Infinity];
  return Math.min(high, Math.max(low, value));
}

import { type Prng, seededPrng } from "../../src/base/prng.ts";
import { outcomeOf } from "../support/mutate.ts";

/** Cases of one kind of damage. */
export interface SeededCases {
  /** Seed of the first case; the others follow. */
  readonly first: number;
  readonly count: number;
  /** Codes that damage may end in. */
  readonly allowed: readonly string[];
}

/** What each case came to (`outcomeOf`); a failure names its seed. */
export function outcomesOf({ first, count, allowed }: SeededCases, use: (prng: Prng) => void): readonly string[] {
  return Array.from({ length: count }, (_, at) => {
    const seed = first + at;
    try {
      return outcomeOf(() => use(seededPrng(seed)), allowed);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  });
}

import type { Nanoseconds } from "../../base/units.ts";

/** The six invariants every run is checked against, by number. */
export const INVARIANTS = {
  1: "a token is delivered exactly once, in order, or the request ends with an error the client sees",
  2: "no block is read past its slot's generation, written by two, or freed under a lease; nothing is leaked",
  3: "no memory holds more than its capacity",
  4: "a policy cannot break the others, and its work is bounded",
  5: "the same log gives the same commands",
  6: "every request ends, every start has exactly one end",
} as const;

export type Invariant = keyof typeof INVARIANTS;

/** A broken invariant as a checker saw it from outside. */
export interface Violation {
  readonly invariant: Invariant;
  readonly at: Nanoseconds;
  /** `fleet`, or `replica.incarnation`. */
  readonly node: string;
  readonly message: string;
}

/** Takes violations in. A run is judged by the first; the rest may follow from it. */
export type Report = (violation: Violation) => void;

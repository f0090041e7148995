import type { CandidateView } from "../../policy/dataflow-policy.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A candidate as the engine fills it in. */
export type Candidate = Writable<CandidateView> & {
  /** Other devices of its machine that have work when its run begins. */
  others: number;
};

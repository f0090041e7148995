import type { OperatorQuery } from "../operator-query.ts";

/** A query whose table may stand for that of another, and what is added to the half-width of the logarithm's interval where it does. */
export interface StandIn {
  readonly query: OperatorQuery;
  readonly halfWidth: number;
}

/** The query itself, then what may stand for it, best first. */
export function standInsOf(query: OperatorQuery): readonly StandIn[] {
  return [{ query, halfWidth: 0 }];
}

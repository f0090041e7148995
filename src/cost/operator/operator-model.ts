import type { Result } from "../../base/result.ts";
import type { Priced } from "../priced.ts";
import type { OperatorQuery } from "./operator-query.ts";

/** Why a query has no price: never a number instead. */
export interface NoOperatorBasis {
  readonly code: "no-basis";
  /** Operator, type or figure that is missing, in words a user can act on. */
  readonly missing: string;
}

/**
 * Prices operators of one device (or, for collectives, of one kind of node): tables, physics and the tile-level model are all of these.
 *
 * A `Priced` carries ns, the relative half-width of its 90 % interval and its basis. Pure.
 */
export interface OperatorModel {
  /** Device and origin of the figures, for reports. */
  readonly source: string;
  /** True where the constants of engines were fitted on other prices than these: the error of both counts. */
  readonly apartFromEngines?: boolean;
  price(query: OperatorQuery): Result<Priced, NoOperatorBasis>;
}

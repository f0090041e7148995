import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type { CardLoad } from "./card-load.ts";
import type { FabricPlace } from "./fabric-place.ts";

/** A pool on a fabric, with what its collectives send over it. */
export interface PoolOnFabric {
  readonly fabric?: FabricPlace;
  readonly cardLoad?: () => CardLoad | undefined;
  readonly cost?: IterationCost;
  readonly costBeside?: (beside: NonNullable<FabricPlace["beside"]>) => IterationCost;
}

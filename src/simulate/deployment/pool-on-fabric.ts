import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type { CardLoad, SideLoad } from "./card-load.ts";
import type { FabricPlace } from "./fabric-place.ts";

/** A pool on a fabric, with what its collectives send over it. */
export interface PoolOnFabric {
  readonly fabric?: FabricPlace;
  readonly cardLoad?: () => CardLoad | undefined;
  /** Of a pool with feed-forwards on devices of their own. */
  readonly sideLoad?: () => SideLoad | undefined;
  readonly cost?: IterationCost;
  readonly costBeside?: (beside: NonNullable<FabricPlace["beside"]>) => IterationCost;
}

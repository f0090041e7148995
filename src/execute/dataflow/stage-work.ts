import type { StageId } from "../../engine/dataflow/dataflow-types.ts";
import type { StageRecipe } from "../seat/seat-types.ts";

/** What the executor knows of a stage that the engine does not: where its bytes are and what its ports are called. */
export interface StageWork {
  readonly stage: StageId;
  /** For people: `resnet[3-17]`. */
  readonly name: string;
  /** By variant. */
  readonly recipes: readonly StageRecipe[];
  /** Ports in the order of a task's accesses. Of a combine: the two that are added, and their sum. */
  readonly ports: readonly string[];
  /** Rows an access's tensor may grow to, where it is appended to. */
  readonly capacities: readonly (number | undefined)[];
  /** Adds contributions two by two instead of running once. */
  readonly combines: boolean;
}

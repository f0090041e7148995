import type { StageId } from "../../engine/dataflow/dataflow-types.ts";
import type { GangProgram } from "../../graph/program/gang-program.ts";
import type { StageRecipe } from "../seat/seat-types.ts";

/** What the executor knows of a stage that the engine does not: where its bytes are. */
export interface StageWork {
  readonly stage: StageId;
  /** For people: `resnet[3-17]`. */
  readonly name: string;
  /** By variant; none of a gang. */
  readonly recipes: readonly StageRecipe[];
  /** Runs on several devices at once; by member. */
  readonly gang?: readonly GangMember[];
  /** What its tasks' accesses are called; absent for combines. */
  readonly ports?: TaskPorts;
  /** Adds contributions two by two instead of running once: ports of the two that are added and of their sum. */
  readonly combines?: readonly [string, string, string];
}

/** What the accesses of a stage's tasks are called; tasks that call them otherwise are of another stage. */
export interface TaskPorts {
  /** In the order of the accesses; a port may be named by several outputs, which then get equal values. */
  readonly ports: readonly string[];
  /** Rows an access's tensor may grow to, where it is appended to. */
  readonly capacities: readonly (number | undefined)[];
}

/** What one member of a gang runs. */
export interface GangMember {
  readonly program: GangProgram;
  /** What the task's ports are called in the program; absent ones are called the same. */
  readonly names: Readonly<Record<string, string>>;
}

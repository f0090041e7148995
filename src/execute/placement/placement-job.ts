import type { Result } from "../../base/result.ts";
import type { Constraint, ConstraintError } from "../../plan/partition/constraints.ts";
import type { NoPlacement, Partition } from "../../plan/partition/partition.ts";
import type { Constrained } from "../../plan/partition/partition-constrained.ts";
import type { LatencyPlacement } from "../../plan/partition/place-for-latency.ts";
import type { PartitionProblem } from "../../plan/partition/problem.ts";
import type { ReplicatedPartition } from "../../plan/partition/replicated.ts";

/** What a placement is judged by: the time between two samples of a pipeline, or the time of one sample. */
export type Objective = "throughput" | "latency";

/** What the worker is started with. */
export interface PlacementJob {
  readonly problem: PartitionProblem;
  /** Name of every operator: what constraints speak of. */
  readonly names: readonly string[];
  readonly constraints: readonly Constraint[];
  readonly objective: Objective;
  /** Only splits whose parts follow one another. */
  readonly contiguous: boolean;
  /** As `contiguous`, and several like devices may share a part. For throughput alone. */
  readonly replicate: boolean;
  readonly seed: number;
  readonly limitMs: number;
  /** Moves of each search at most; absent: as many as the time allows. Where they end it, the answer does not depend on the machine's speed. */
  readonly moves?: number;
  /** One Int32: anything but 0 ends the search with the best so far. */
  readonly stop: SharedArrayBuffer;
}

/** Its answer, with the time it took. */
export interface PlacementAnswer {
  readonly found: Result<PlacedGraph, ConstraintError | NoPlacement>;
  readonly tookMs: number;
}

export type PlacedGraph =
  | ({ readonly objective: "throughput" } & Constrained<Partition>)
  | ({ readonly objective: "throughput" } & Constrained<ReplicatedPartition>)
  | ({ readonly objective: "latency" } & Constrained<LatencyPlacement>);

import { assert, must } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { type Bound, pricedBound, rootBound } from "./bounds.ts";
import { type ContiguousSplit, contiguousSplit } from "./contiguous.ts";
import { contract, expanded } from "./contract.ts";
import { evaluateReplicated, type ReplicatedStage } from "./evaluate-replicated.ts";
import type { Replication } from "./lattice-split.ts";
import type { NoPlacement } from "./partition.ts";
import type { Assignment, PartitionProblem } from "./problem.ts";
import { stagesOf } from "./stages.ts";

export interface ReplicatedPartition {
  /** First device of each node's stage. */
  readonly assignment: Assignment;
  /** In an order in which no edge of the forward part leads back. */
  readonly stages: readonly ReplicatedStage[];
  /** Largest load, from the evaluator. */
  readonly value: number;
  /** No placement is below: all work shared out without transfers. */
  readonly bound: Bound;
  readonly gap: number;
  /** `ideals`: the best of all contiguous splits with replicas. `linear-orders`: the best found along some topological orders. */
  readonly method: ContiguousSplit["method"];
  /** Value and method of the contiguous split with one device a stage, where one exists and was found in time. */
  readonly contiguous: { readonly value: number; readonly method: ContiguousSplit["method"] } | undefined;
  readonly moves: number;
}

export interface ReplicatedOptions {
  readonly replication: Replication;
  readonly shouldStop?: () => boolean;
}

/**
 * The contiguous split with the least largest load where several like devices may share a stage: each takes every r-th sample, so its load is the r-th part,
 * and holds all weights of the stage.
 *
 * Errors: `no-placement`, never proven: there may be splits that are not contiguous.
 * Source: Tarnawski et al., NeurIPS 2020, replication in the dynamic programme; PipeDream (Narayanan et al., SOSP 2019) for the idea.
 */
export function partitionReplicated(problem: PartitionProblem, options: ReplicatedOptions): Result<ReplicatedPartition, NoPlacement> {
  const contraction = contract(problem);
  const stop = options.shouldStop === undefined ? {} : { shouldStop: options.shouldStop };
  const single = contiguousSplit(contraction, { objective: "largest", ...stop });
  const shared = contiguousSplit(contraction, { objective: "largest", replication: options.replication, ...stop });
  // A search that was stopped may have missed what it would find without replicas.
  const split = single !== undefined && !(shared !== undefined && shared.value <= single.value) ? single : shared;
  if (split === undefined) return err({ code: "no-placement", proven: false });
  const assignment = expanded(contraction.groupOf, split.deviceOf);
  const whole = new Map<number, number[]>();
  for (const { device, nodes } of must(stagesOf(problem, assignment), "a cycle has one device")) {
    whole.set(device, [...(whole.get(device) ?? []), ...nodes]);
  }
  const stages = [...whole].map(([device, nodes]) => ({
    nodes,
    devices: Array.from({ length: split.replicasOf[device]! }, (_zero, k) => device + k),
  }));
  const { maxLoad: value, breaches } = evaluateReplicated(problem, stages, options.replication);
  assert(breaches.length === 0, "a split with replicas keeps support, memory and colours", breaches);
  const bound = pricedBound(contraction.graph, rootBound(contraction.graph).prices);
  return ok({
    assignment,
    stages,
    value,
    bound: { value: bound, method: "work" },
    gap: value > 0 ? (value - bound) / value : 0,
    method: split.method,
    contiguous: single === undefined ? undefined : { value: single.value, method: single.method },
    moves: (shared?.moves ?? 0) + (single?.moves ?? 0),
  });
}

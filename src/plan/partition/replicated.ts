import { assert, must } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { pricedBound, rootBound } from "./bounds.ts";
import { contiguousSplit } from "./contiguous.ts";
import { contract, expanded } from "./contract.ts";
import { evaluateReplicated, type ReplicatedStage } from "./evaluate-replicated.ts";
import type { Replication } from "./lattice-split.ts";
import type { NoPlacement } from "./partition.ts";
import type { PartitionProblem } from "./problem.ts";
import { stagesOf } from "./stages.ts";

export interface ReplicatedPartition {
  /** In an order in which no edge of the forward part leads back. */
  readonly stages: readonly ReplicatedStage[];
  /** Largest load, from the evaluator. */
  readonly value: number;
  /** No placement is below: all work shared out without transfers. */
  readonly bound: number;
  readonly gap: number;
  /** `ideals`: the best of all contiguous splits with replicas. `linear-orders`: the best found along some topological orders. */
  readonly method: "ideals" | "linear-orders";
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
  const split = contiguousSplit(contraction, { objective: "largest", ...options });
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
  return ok({ stages, value, bound, gap: value > 0 ? (value - bound) / value : 0, method: split.method });
}

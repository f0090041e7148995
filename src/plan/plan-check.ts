import type { Estimate } from "../cost/estimate.ts";
import { pagesFor } from "../state/block.ts";
import { KERNEL_DRIVERS, KERNEL_DRIVERS_TEXT, promptRefusal } from "./kernel-stages.ts";
import type { Plan, ReplicaPlan } from "./plan.ts";

/** A relation between parts of a plan that does not hold; `path` names the field. */
export interface PlanFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

type Path = readonly PropertyKey[];

/** The first broken relation of a well-formed plan: replica ids dense, stages contiguous from layer 0, one end for all, estimates ordered. */
export function checkPlan(plan: Plan): PlanFault | undefined {
  const end = plan.replicas[0]?.stages.at(-1)?.toLayer;
  for (const [index, replica] of plan.replicas.entries()) {
    const path = ["replicas", index];
    if (replica.id !== index)
      return { path: [...path, "id"], message: `is ${replica.id}; ids count from 0 in order, so ${index} is meant` };
    const fault = checkStages(replica, path) ?? checkMemory(replica, path);
    if (fault !== undefined) return fault;
    const last = replica.stages.length - 1;
    if (replica.stages[last]?.toLayer !== end) {
      return { path: [...path, "stages", last, "toLayer"], message: `replica 0 ends at layer ${end}; every replica holds the same layers` };
    }
  }
  return checkEstimate(plan.predicted.ttft512, ["predicted", "ttft512"]) ?? checkEstimate(plan.predicted.tpot, ["predicted", "tpot"]);
}

/** Checks that a plan's stages end where the model ends. */
export function checkPlanLayers(plan: Plan, layers: number): PlanFault | undefined {
  for (const [index, replica] of plan.replicas.entries()) {
    const last = replica.stages.length - 1;
    const end = replica.stages[last]?.toLayer;
    if (end !== layers) {
      return { path: ["replicas", index, "stages", last, "toLayer"], message: `is ${end}, but the model has ${layers} layers` };
    }
  }
  return undefined;
}

function checkStages(replica: ReplicaPlan, path: Path): PlanFault | undefined {
  let next = 0;
  for (const [index, stage] of replica.stages.entries()) {
    const at = [...path, "stages", index];
    if (stage.fromLayer !== next) {
      const expected = index === 0 ? "the first stage starts at layer 0" : `the stage before ends at layer ${next}`;
      return { path: [...at, "fromLayer"], message: `is ${stage.fromLayer}, but ${expected}` };
    }
    if (stage.toLayer <= stage.fromLayer) return { path: [...at, "toLayer"], message: "a stage holds at least one layer" };
    if (stage.decodeFormat === "block-int8" && !KERNEL_DRIVERS.includes(stage.driver)) {
      return {
        path: [...at, "decodeFormat"],
        message: `is block-int8, which ${KERNEL_DRIVERS_TEXT} compute in, not ${stage.driver}`,
      };
    }
    const prompts = promptRefusal(stage);
    if (prompts !== undefined) return { path: [...at, "prefillFormat"], message: `is block-int8, but ${prompts}` };
    next = stage.toLayer;
    const fault = checkEstimate(stage.decodeStep, [...at, "decodeStep"]) ?? checkEstimate(stage.prefill512, [...at, "prefill512"]);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Running one sequence of full length must be possible, or admission could wait for ever. */
function checkMemory(replica: ReplicaPlan, path: Path): PlanFault | undefined {
  const needed = pagesFor(replica.contextLimit);
  if (replica.workingPages >= needed) return undefined;
  const message = `is ${replica.workingPages}, but one sequence of contextLimit ${replica.contextLimit} needs ${needed} pages`;
  return { path: [...path, "workingPages"], message };
}

function checkEstimate(estimate: Estimate, path: Path): PlanFault | undefined {
  if (estimate.lowNs > estimate.valueNs) return { path: [...path, "lowNs"], message: "is above valueNs" };
  if (estimate.highNs < estimate.valueNs) return { path: [...path, "highNs"], message: "is below valueNs" };
  return undefined;
}

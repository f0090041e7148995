import type { Plan, ReplicaPlan, StagePlan } from "../../plan/plan.ts";
import { BLOCK_TOKENS } from "../../state/block.ts";

/** Names the numerics of a block of which the first `prefilled` tokens were computed by prefill rows and the rest by decode steps. */
export type NumericsLabel = (prefilled: number) => string;

/**
 * Labels for the blocks of a replica. Blocks that only prefill computed are named by the prefill formats; a block that decode steps touched also by
 * the decode formats and where they began, unless both phases use the same. `kvReuse: any` gives every block the same label.
 */
export function numericsLabel(plan: Plan, replica: ReplicaPlan): NumericsLabel {
  if (plan.policy.kvReuse === "any") return () => "any";
  const prefill = formatsOf(replica, (stage) => stage.prefillFormat);
  const decode = formatsOf(replica, (stage) => stage.decodeFormat);
  if (prefill === decode) return () => prefill;
  return (prefilled) => (prefilled >= BLOCK_TOKENS ? prefill : `${prefill}:${prefilled}+${decode}`);
}

/** One format where all stages agree, else each with its layers. */
function formatsOf(replica: ReplicaPlan, formatOf: (stage: StagePlan) => string): string {
  const formats = replica.stages.map(formatOf);
  if (new Set(formats).size === 1) return formats[0]!;
  return replica.stages.map((stage, i) => `${stage.fromLayer}-${stage.toLayer}:${formats[i]}`).join(",");
}

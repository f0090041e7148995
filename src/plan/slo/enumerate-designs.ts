import { heldPromptsFault } from "../deployment/held-prompts.ts";
import { ffnPlaces } from "./enumerate-ffn.ts";
import { devicesOf } from "./fleet-plan.ts";
import type { DesignFault, ReplicaDesign, ReplicaModel, SloProblem } from "./slo-problem.ts";
import { iterationNs } from "./steady/prompt-service.ts";

/** A design that can be built, with what it can do. */
export interface BuildableDesign {
  readonly design: ReplicaDesign;
  readonly replica: ReplicaModel;
}

export interface Designs {
  readonly buildable: readonly BuildableDesign[];
  /** How many were refused, by reason; the text of the first of each reason. */
  readonly refused: readonly RefusedDesigns[];
}

export interface RefusedDesigns {
  readonly code: DesignFault["code"];
  readonly designs: number;
  readonly first: string;
}

/** Sequences are counted in eights. */
const SEQUENCE_STEP = 8;

/** Every design of every device on offer, priced; what has no room, no valid cut or no basis is counted with its reason. */
export function enumerateDesigns(problem: SloProblem): Designs {
  const refused = new Map<DesignFault["code"], { designs: number; first: string }>();
  const buildable: BuildableDesign[] = [];
  for (const base of baseDesigns(problem)) {
    const priced = problem.price(base, problem.factors);
    if (!priced.ok) {
      const row = refused.get(priced.error.code) ?? { designs: 0, first: priced.error.detail };
      refused.set(priced.error.code, { ...row, designs: row.designs + 1 });
      continue;
    }
    buildable.push({ design: base, replica: priced.value });
    const limited = tpotLimited(base, priced.value, problem);
    if (limited === undefined) continue;
    const again = problem.price(limited, problem.factors);
    if (again.ok) buildable.push({ design: limited, replica: again.value });
  }
  return { buildable, refused: [...refused].map(([code, row]) => ({ code, ...row })) };
}

function baseDesigns({ choices, fleets }: SloProblem): ReplicaDesign[] {
  const devices = new Map<string, number>();
  for (const { devices: offered } of fleets)
    for (const { device, count } of offered) devices.set(device, Math.max(count, devices.get(device) ?? 0));
  const roles = choices.split ? (["both", "prefill", "decode"] as const) : (["both"] as const);
  const designs: ReplicaDesign[] = [];
  for (const { device, parallel, ffn } of places(choices, fleets, devices)) {
    for (const precision of choices.precisions) {
      for (const role of roles) {
        // Micro-batches take turns where sequences decode.
        if (ffn !== undefined && role === "prefill") continue;
        // Decode replicas never see a prompt, so its chunks are no choice of theirs.
        const chunks = role === "decode" ? choices.maxBatchedTokens.slice(0, 1) : choices.maxBatchedTokens;
        for (const maxBatchedTokens of chunks) {
          for (const holds of [{}, ...(choices.holds ?? [])]) {
            const engine = { ...choices.engine, maxBatchedTokens, ...holds };
            if (heldPromptsFault({ engine, role, parallel }) !== undefined) continue;
            designs.push({ device, role, parallel, precision, engine, ...(choices.lora && { lora: choices.lora }), ...(ffn && { ffn }) });
          }
        }
      }
    }
  }
  return designs;
}

type Place = Pick<ReplicaDesign, "device" | "parallel" | "ffn">;

/** Devices and cuts of replicas: whole ones, and those whose feed-forwards are apart. */
function places(choices: SloProblem["choices"], fleets: SloProblem["fleets"], counts: ReadonlyMap<string, number>): Place[] {
  const whole = [...counts].flatMap(([device, count]) =>
    cuts(choices)
      .filter((parallel) => devicesOf(parallel) <= Math.min(count, choices.devicesMax))
      .map((parallel) => ({ device, parallel })),
  );
  return [...whole, ...ffnPlaces(choices, fleets)];
}

function cuts({ tensor, pipeline, data, experts }: SloProblem["choices"]): ReplicaDesign["parallel"][] {
  const found: ReplicaDesign["parallel"][] = [];
  for (const t of tensor) {
    for (const p of pipeline) {
      for (const d of data) {
        const cut = { tensor: t, pipeline: p, data: d, context: 1 };
        // Without experts, data parallel ranks are replicas of their own.
        if (d === 1 || experts) found.push({ ...cut, expert: 1 });
        if (experts && t * d > 1) found.push({ ...cut, expert: t * d });
      }
    }
  }
  return found;
}

/** The design with as many sequences as decode within the target, where that is fewer: then a burst waits, and those that run keep their pace. */
function tpotLimited(design: ReplicaDesign, replica: ReplicaModel, { workload, target }: SloProblem): ReplicaDesign | undefined {
  if (design.role === "prefill") return undefined;
  const { data } = design.parallel;
  const contextEach = workload.prompt.mean + workload.output.mean / 2;
  const keeps = (each: number): boolean => {
    const decodes = each * data;
    return iterationNs(replica.cost, { decodes, context: decodes * contextEach }, 0, 0) <= target.tpotNs;
  };
  let least = 0;
  let most = Math.floor(design.engine.maxSequences / SEQUENCE_STEP);
  if (keeps(most * SEQUENCE_STEP)) return undefined;
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (keeps(middle * SEQUENCE_STEP)) least = middle;
    else most = middle;
  }
  return least === 0 ? undefined : { ...design, engine: { ...design.engine, maxSequences: least * SEQUENCE_STEP } };
}

import type { Parallelism, Precision } from "../deployment/deployment.ts";
import { heldPromptsFault } from "../deployment/held-prompts.ts";
import { ffnPlaces } from "./enumerate-ffn.ts";
import { devicesOf } from "./fleet-plan.ts";
import type { DesignChoices, DesignFault, ReplicaDesign, ReplicaModel, SloProblem } from "./slo-problem.ts";
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
            const { lora } = choices;
            for (const images of imageWays(choices, role, parallel))
              designs.push({ device, role, parallel, precision, engine, ...(lora && { lora }), ...(ffn && { ffn }), ...images });
          }
        }
      }
    }
  }
  return [...designs, ...encodeDesigns(choices, devices)];
}

/** How replicas of a role come by what is made of images: nothing of it where there are none, or where KV comes in place of prompts. */
function imageWays(
  { images }: DesignChoices,
  role: ReplicaDesign["role"],
  { tensor }: Parallelism,
): Pick<ReplicaDesign, "encoder" | "imagesApart">[] {
  if (images === undefined || role === "decode") return [{}];
  const apart = images.apart && role !== "encode" ? [{ imagesApart: true as const }] : [];
  return [{ encoder: { parallel: "weights" } }, ...(tensor > 1 ? [{ encoder: { parallel: "data" as const } }] : []), ...apart];
}

/** Encoders are kept in 16 bits. */
const ENCODER_PRECISION: Precision = { weights: "bf16", kv: "bf16" };

/** Replicas that encode images and do nothing else. */
function encodeDesigns(choices: DesignChoices, devices: ReadonlyMap<string, number>): ReplicaDesign[] {
  if (choices.images?.apart !== true) return [];
  return [...devices].flatMap(([device, count]) =>
    choices.tensor
      .filter((tensor) => tensor <= Math.min(count, choices.devicesMax))
      .flatMap((tensor) => {
        const parallel = { tensor, pipeline: 1, data: 1, expert: 1, context: 1 };
        return choices.maxBatchedTokens.flatMap((maxBatchedTokens) =>
          imageWays(choices, "encode", parallel).map((images): ReplicaDesign => {
            const engine = { ...choices.engine, maxBatchedTokens };
            return { device, role: "encode", parallel, precision: ENCODER_PRECISION, engine, ...images };
          }),
        );
      }),
  );
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
  if (design.role === "prefill" || design.role === "encode") return undefined;
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

import type { EngineSettings, Parallelism } from "../deployment/deployment.ts";
import { givenHolds } from "../deployment/held-prompts.ts";
import type { FleetPlan } from "./fleet-plan.ts";
import type { ReplicaDesign } from "./slo-problem.ts";
import type { Limit } from "./steady/steady-load.ts";

/** What each limit means, for people. */
export const LIMIT_WORDS: Readonly<Record<Limit, string>> = {
  ttft: "time to first token",
  tpot: "time per token",
  kv: "memory for KV",
  sequences: "the limit on sequences at once",
  prefill: "the rate at which prompts are read",
  decode: "decoding",
  transfer: "the link that KV goes over",
  encode: "encoding of images",
};

/** Settings that hold prompts back, in a phrase; empty where there are none. */
export function holdsText(engine: EngineSettings): string {
  return givenHolds({ engine })
    .map((name) => `${name} ${name === "attentionDpBalance" ? Object.values(engine[name]!).join("/") : engine[name]}`)
    .join(", ");
}

/** A design in one phrase: `h200-sxm T8 E8, 16384 tokens, 512 sequences`. */
export function designText({ device, role, parallel, engine, ffn, encoder }: ReplicaDesign): string {
  const held = holdsText(engine);
  const apart =
    ffn === undefined ? "" : ` with feed-forwards on ${ffn.device} ${cutText(ffn.parallel)} in ${ffn.microBatches} micro-batches`;
  return `${role === "both" ? "" : `${role} `}${device} ${cutText(parallel)}${apart}${imagesText(encoder, parallel.tensor)}, ${engine.maxBatchedTokens} tokens, ${engine.maxSequences} sequences${held === "" ? "" : `, ${held}`}`;
}

/** How tensor ranks share an encoder, where there are several. */
function imagesText(encoder: ReplicaDesign["encoder"], tensor: number): string {
  return encoder === undefined || tensor === 1 ? "" : ` with images by ${encoder.parallel}`;
}

function cutText({ tensor = 1, pipeline = 1, data = 1, expert = 1 }: Partial<Parallelism>): string {
  const cut = [
    [tensor, "T"],
    [pipeline, "P"],
    [data, "D"],
    [expert, "E"],
  ].flatMap(([size, letter]) => (size === 1 ? [] : [`${letter}${size}`]));
  return cut.length === 0 ? "1 device" : cut.join(" ");
}

/** A plan in one phrase: `4 x h200-sxm T8 E8, ...`. */
export function planText({ pools }: FleetPlan): string {
  return pools.map(({ capacity, replicas }) => `${replicas} x ${designText(capacity.design)}`).join(" + ");
}

/** Why a plan lost against the chosen one: its price, and what each carries for a dollar. */
export function whyItLost(plan: FleetPlan, chosen: FleetPlan): string {
  const dearer = plan.dollarsPerHour - chosen.dollarsPerHour;
  const each = (of: FleetPlan): string => `${((3600 * of.rate) / of.dollarsPerHour).toFixed(0)} requests a dollar`;
  const held = `${LIMIT_WORDS[plan.limit]} holds it at ${plan.rate.toFixed(2)} requests/s`;
  if (dearer > 0) return `$${dearer.toFixed(2)}/h dearer: ${held}, ${each(plan)} against ${each(chosen)}`;
  if (dearer === 0) return `as dear, and slower: ${each(plan)} against ${each(chosen)}; ${held}`;
  return `cheaper, and does not keep the target: ${held}`;
}

/** The cheapest plan that is made of other designs than the chosen one; settings of the engine are no other design. */
export function runnerUp(plans: readonly FleetPlan[], chosen: FleetPlan): FleetPlan | undefined {
  const key = ({ pools, fleet }: FleetPlan): string =>
    `${fleet.name}|${pools.map(({ capacity: { design } }) => JSON.stringify([design.device, design.role, design.parallel, design.precision, design.ffn, design.encoder])).join("|")}`;
  return plans.find((plan) => key(plan) !== key(chosen));
}

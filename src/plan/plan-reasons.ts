import { must } from "../base/assert.ts";
import type { Priced } from "../cost/priced.ts";
import { mixesPhases } from "../cost/stage-format.ts";
import { deviceClasses, usableDevices } from "./device-classes.ts";
import { type DraftContext, pageBytes } from "./draft-context.ts";
import { tokenBound } from "./draft-replicas.ts";
import { KV_SHARE, type KvBudget } from "./kv-budget.ts";
import { withoutEachPin } from "./pins.ts";
import { PROMPT_TOKENS, streamsText } from "./predict.ts";
import type { ReplicaDraft } from "./replica-draft.ts";
import { marginOf } from "./score.ts";
import { bestFleet, type FleetDraft, layoutText } from "./search.ts";
import { wholeModelReasons } from "./whole-model-plan.ts";

/** What the reasons of a plan are written from. */
export interface ReasonInput {
  readonly context: DraftContext;
  readonly fleet: FleetDraft;
  /** Other layouts, best first. */
  readonly others: readonly FleetDraft[];
  readonly leftOut: readonly string[];
  readonly kv: readonly KvBudget[];
}

/** Why this plan: the choice and its runner-up, formats, memory, what each pin cost, what was left out; one sentence each. */
export function planReasons(input: ReasonInput): readonly string[] {
  return [
    choiceReason(input),
    ...splitReason(input),
    ...boundReason(input),
    ...formatReasons(input),
    memoryReason(input),
    ...reuseReason(input),
    ...pinReasons(input),
    ...droppedReasons(input),
    ...wholeModelReasons(input.context, input.fleet.score.score),
    ...input.leftOut,
  ];
}

function choiceReason({ fleet, others }: ReasonInput): string {
  const chosen = `${fleetText(fleet)}: ${figures(fleet)}`;
  const next = others[0];
  if (next === undefined) return `${chosen}; no other layout fits.`;
  return `${chosen}. The runner-up is ${fleetText(next)} (${figures(next)}), ${behind(fleet, next)} behind over first token, token and ${streamsText(fleet.score.streams)} together.`;
}

/** What splitting a model that is kept whole would cost. */
function splitReason({ fleet, others }: ReasonInput): readonly string[] {
  if (fleet.replicas.some(({ stages }) => stages.length > 1)) return [];
  const split = others.find(({ replicas }) => replicas.some(({ stages }) => stages.length > 1));
  if (split === undefined) return [];
  return [`Kept whole: the best split is ${fleetText(split)} (${figures(split)}), ${behind(fleet, split)} behind.`];
}

function boundReason({ context, fleet }: ReasonInput): readonly string[] {
  const { usable } = usableDevices(context.request.rack);
  const bound = tokenBound(context, deviceClasses(context.request.rack, usable));
  const { tpot } = must(fleet.replicas[fleet.score.best], "the best replica").prediction;
  if (bound === undefined) return [];
  const what = bound.proven ? "no contiguous split in the formats tried takes less than" : "the least found over contiguous splits is";
  const gap = percent(Math.max(0, 1 - bound.ns / tpot.ns));
  return [
    `A lone stream's token takes ${ms(tpot)}; ${what} ${(bound.ns / 1e6).toPrecision(3)} ms (gap ${gap}; dynamic programme over layers and devices of each kind, up to ${bound.stages} stages).`,
  ];
}

/** Kinds of devices the plan does without, each with the best layout that has one. */
function droppedReasons({ context, fleet, others }: ReasonInput): readonly string[] {
  const { rack } = context.request;
  const uses = ({ replicas }: FleetDraft, ids: readonly string[]): boolean =>
    replicas.some(({ devices }) => devices.some(({ id }) => ids.includes(id)));
  return deviceClasses(rack, usableDevices(rack).usable).flatMap(({ devices }) => {
    const ids = devices.map(({ id }) => id);
    const other = others.find((one) => uses(one, ids));
    if (uses(fleet, ids) || other === undefined) return [];
    const verb = ids.length === 1 ? "is" : "are";
    return [
      `${ids.join(", ")} ${verb} not used: the best layout with ${ids.length === 1 ? "it" : "one"} is ${fleetText(other)} (${figures(other)}), ${behind(fleet, other)} behind.`,
    ];
  });
}

function behind(fleet: FleetDraft, other: FleetDraft): string {
  return percent(marginOf(fleet.score.score, other.score.score));
}

function fleetText({ replicas }: FleetDraft): string {
  const layouts = replicas.map(layoutText);
  return layouts.length === 1 ? must(layouts[0], "a replica") : `${layouts.length} replicas, ${layouts.join(" and ")}`;
}

function figures({ replicas, score }: FleetDraft): string {
  const { ttft, tpot } = must(replicas[score.best], "the best replica").prediction;
  return `first token of ${PROMPT_TOKENS} in ${ms(ttft)}, ${ms(tpot)} a token, ${Math.round(score.tokensPerSecond8)} tokens/s with ${streamsText(score.streams)}`;
}

function formatReasons({ fleet, context }: ReasonInput): readonly string[] {
  const { options, model } = context.request;
  const pairs = new Map<string, string>();
  for (const { stages } of fleet.replicas) {
    for (const { device, prefillFormat, decodeFormat } of stages)
      pairs.set(`${device}: prefill ${prefillFormat}, decode ${decodeFormat}`, device);
  }
  const pinned = options?.prefillFormat !== undefined || options?.decodeFormat !== undefined;
  const why = pinned
    ? "as pinned"
    : `the fastest by calibration of what weights in ${model.weightFormats.join(", ")} allow (${context.allowed.join(", ")})`;
  return [...pairs.keys()].map((pair) => `Formats on ${pair}: ${why}.`);
}

function memoryReason({ kv, context }: ReasonInput): string {
  const bytes = pageBytes(context);
  const used = kv.reduce((sum, { workingPages, sealedSlots }) => sum + (workingPages + sealedSlots) * bytes, 0);
  const asked = context.request.options?.kvMemoryBytes;
  const how =
    asked === undefined
      ? `by default at most ${percent(KV_SHARE)} of what weights leave`
      : `of the ${Math.round(asked / 1e6)} MB asked for`;
  const pages = kv.map(({ workingPages, sealedSlots }) => `${workingPages} working and ${sealedSlots} sealed pages`).join("; ");
  return `KV takes up to ${Math.round(used / 1e6)} MB (${pages} of ${bytes} bytes), ${how}.`;
}

/** Said where a prompt that goes on from an answer finds that answer's KV unlike its own: else all of it is reused. */
function reuseReason({ context, fleet }: ReasonInput): readonly string[] {
  const apart = fleet.replicas.flatMap(({ stages }) => stages).find((stage) => !mixesPhases(stage));
  if (apart === undefined) return [];
  const { prefillFormat, decodeFormat } = apart;
  return [
    context.request.options?.policy?.kvReuse === "any"
      ? `KV that decode steps wrote in ${decodeFormat} is reused by prompts in ${prefillFormat} (--kv-reuse any): an answer may differ from that of an empty cache within the two formats' rounding.`
      : `KV of answers, written by decode steps in ${decodeFormat}, is computed anew in ${prefillFormat} by a prompt that goes on from them, so answers do not depend on what was cached; --kv-reuse any reuses it.`,
  ];
}

function pinReasons({ context, fleet }: ReasonInput): readonly string[] {
  const { request } = context;
  return withoutEachPin(request.options ?? {}).map(({ pin, options }) => {
    const free = bestFleet({ ...request, options });
    if (free === undefined) return `${pin}: without it nothing fits.`;
    const cost = marginOf(free.score.score, fleet.score.score);
    return cost < 0.005 ? `${pin} costs nothing.` : `${pin} costs ${percent(cost)}: without it the plan would be ${fleetText(free)}.`;
  });
}

/** Why a stage runs where it runs. */
export function stageReason(draft: ReplicaDraft, stage: number, others: readonly FleetDraft[]): string {
  const { device, prefillFormat, decodeFormat, threads } = must(draft.stages[stage], "a stage of the replica");
  const share = draft.stages.length === 1 ? "the whole model" : `${layersOf(draft, stage)} of ${layersOf(draft)} layers`;
  const other = others.find((fleet) => !fleet.replicas.some((replica) => replica.stages.some((one) => one.device === device)));
  const against =
    other === undefined
      ? ""
      : `; without ${device} a token takes ${ms(must(other.replicas[other.score.best], "the best replica").prediction.tpot)}`;
  return `${share} on ${threads} thread${threads === 1 ? "" : "s"}, ${prefillFormat} to prefill and ${decodeFormat} to decode${against}`;
}

function layersOf({ stages }: ReplicaDraft, stage?: number): number {
  const counted = stage === undefined ? stages : stages.slice(stage, stage + 1);
  return counted.reduce((sum, { fromLayer, toLayer }) => sum + toLayer - fromLayer, 0);
}

function ms(priced: Priced): string {
  return `${(priced.ns / 1e6).toPrecision(3)} ms`;
}

function percent(share: number): string {
  return `${(share * 100).toPrecision(2)} %`;
}

import { stageWeightBytes } from "../cost/decoder-shape.ts";
import { pagesFor } from "../state/block.ts";
import { DEFAULT_MAX_SEQUENCES } from "./default-policy.ts";
import { type DraftContext, pageBytes, usableMemory } from "./draft-context.ts";
import { kvBudgets } from "./fleet-kv.ts";
import { isPaged, kernelPages } from "./kernel-stages.ts";
import { pinText } from "./pins.ts";
import type { PlanError, PlanOptions } from "./plan-request.ts";
import { bestFleet } from "./search.ts";

/** Why nothing was found: memory, or pins that leave nothing that fits while others would. */
export function noPlan(context: DraftContext): PlanError {
  const { request } = context;
  const options = request.options ?? {};
  const pins = pinTexts(options);
  if (pins.length > 0) {
    const { replicas: _replicas, stages: _stages, pins: _pins, kvMemoryBytes: _kv, ...rest } = options;
    const loose = { ...request, options: rest };
    const fleet = bestFleet(loose);
    if (fleet !== undefined && kvBudgets({ ...context, request: loose }, fleet) !== undefined) {
      return {
        code: "pin-impossible",
        pin: pins.join(" "),
        possible: `without it ${fleet.replicas.length} x ${fleet.replicas[0]?.stages.length} stages; ${needs(context)}`,
      };
    }
  }
  return { code: "plan-no-capacity", detail: needs(context) + kernelNeeds(context) };
}

function pinTexts({ replicas, stages, pins = [], kvMemoryBytes }: PlanOptions): readonly string[] {
  const texts: string[] = [];
  if (replicas !== undefined) texts.push(`--replicas ${replicas}`);
  if (stages !== undefined) texts.push(`--stages ${stages}`);
  if (kvMemoryBytes !== undefined) texts.push(`--kv-memory ${kvMemoryBytes}`);
  return [...texts, ...pins.map((pin) => `--pin ${pinText(pin)}`)];
}

/** Why the kernels' own memory holds no stage, where they were asked for and it is what is short. */
function kernelNeeds({ request, contextLimit }: DraftContext): string {
  const { options = {}, model } = request;
  if (options.decodeFormat !== "block-int8" || request.rack.devices.some(({ driver }) => isPaged(driver, "block-int8"))) return "";
  const { stages = 1, maxSequences = DEFAULT_MAX_SEQUENCES } = options;
  const shape = {
    fromLayer: 0,
    toLayer: Math.ceil(model.spec.layers / stages),
    driver: "ort",
    prefillFormat: options.prefillFormat ?? "int8-row",
    decodeFormat: "block-int8",
    threads: 1,
    contextLimit,
    maxSequences,
  } as const;
  const pages = kernelPages(model.spec, shape, model.eightBit);
  if (pages >= pagesFor(contextLimit)) return "";
  return `; the 4 GiB of memory of block-int8's kernels leave room for ${pages} of the ${pagesFor(contextLimit)} pages that one sequence takes in ${stages === 1 ? "one stage" : `each of ${stages} stages`}: ask for another decode format, more stages, a shorter context or fewer sequences`;
}

/** What the smallest replica needs, and what there is. */
function needs(context: DraftContext): string {
  const { request, allowed } = context;
  const { spec } = request.model;
  const smallest = allowed.filter((format) => format !== "block-int8").at(-1) ?? "f32";
  const { prefillFormat = smallest, decodeFormat = smallest } = request.options ?? {};
  const weights = stageWeightBytes(spec, { fromLayer: 0, toLayer: spec.layers, prefillFormat, decodeFormat }, request.model.eightBit);
  const kv = pageBytes(context) * pagesFor(context.contextLimit);
  const memories = [...usableMemory(request)].map(([memory, bytes]) => `${bytes} in ${memory}`).join(", ");
  return `a replica needs ${weights} bytes of weights (${[...new Set([prefillFormat, decodeFormat])].join(" and ")}) and ${kv} of KV for one sequence of ${context.contextLimit} tokens; usable are ${memories}`;
}

import { err, ok, type Result } from "../base/result.ts";
import { toEstimate } from "../cost/priced.ts";
import type { CostedStage } from "../cost/stage-pricer.ts";
import { type PricedStepCost, stepCostFrom } from "../cost/step-cost-from.ts";
import { pagesFor } from "../state/block.ts";
import { DEFAULT_MAX_SEQUENCES, DEFAULT_POLICY } from "./default-policy.ts";
import { type DraftContext, draftContext, pageBytes, usableMemory } from "./draft-context.ts";
import { KV_SHARE } from "./kv-budget.ts";
import type { Plan, ReplicaPlan, StagePlan } from "./plan.ts";
import type { PlanError, PlanRequest } from "./plan-request.ts";
import { DECODE_CONTEXT, decodeShape, judgedStreams, PROMPT_TOKENS, predictReplica, promptCost, streamsText } from "./predict.ts";
import { marginOf, scoreFleet } from "./score.ts";
import { bestFleet } from "./search.ts";
import { checkWholePins, isWholeModel, wholePin } from "./whole-model.ts";

/** The limits of a replica on a whole-model device, before anything is known of its times. */
export type WholeReplica = Pick<ReplicaPlan, "workingPages" | "sealedSlots" | "pageBytes" | "maxSequences" | "contextLimit"> & {
  readonly stage: CostedStage;
};

/**
 * The replica that pins ask for on a device that runs only whole models: all layers in the file's own formats, room for whole sequences, no slots.
 * `undefined` where no pin names such a device. Errors: `pin-impossible`, `plan-no-capacity`.
 */
export function wholeReplica(request: PlanRequest): Result<WholeReplica, PlanError> | undefined {
  const device = wholePin(request);
  if (device === undefined) return undefined;
  const impossible = checkWholePins(request, device);
  if (impossible !== undefined) return err(impossible);
  const context = draftContext(request);
  const { contextLimit } = context;
  const page = pageBytes(context);
  const { fileBytes = 0, spec } = request.model;
  const usable = usableMemory(request).get(device.memory) ?? 0;
  const left = usable - fileBytes;
  const single = pagesFor(contextLimit);
  const asked = request.options?.kvMemoryBytes ?? Math.max(left * KV_SHARE, single * page);
  // The library reserves every sequence at its full length, so what counts is how many of them fit.
  const sequences = Math.min(request.options?.maxSequences ?? DEFAULT_MAX_SEQUENCES, Math.floor(Math.min(left, asked) / (single * page)));
  if (sequences < 1) {
    const detail = `${device.id} needs ${fileBytes} bytes for the file and ${single * page} of KV for each sequence of ${contextLimit} tokens; usable are ${usable} in ${device.memory}`;
    return err({ code: "plan-no-capacity", detail });
  }
  const { driver, threads } = device;
  const range = { fromLayer: 0, toLayer: spec.layers };
  const stage = { ...range, device: device.id, driver, threads, prefillFormat: "file", decodeFormat: "file" } as const;
  return ok({ stage, workingPages: sequences * single, sealedSlots: 0, pageBytes: page, maxSequences: sequences, contextLimit });
}

/** Plans one replica on the whole-model device that the pins name; `undefined` where they name none. Errors: those of `planFor`. */
export function planWhole(request: PlanRequest): Result<Plan, PlanError> | undefined {
  const replica = wholeReplica(request);
  if (replica === undefined || !replica.ok) return replica;
  const { stage, ...limits } = replica.value;
  const found = measuredCost(request, stage);
  if (found === undefined) {
    const detail = `${stage.device} has no measurement of this model, and it is priced by nothing else; plan without --no-calibrate on its machine`;
    return err({ code: "no-basis", detail });
  }
  const { cost, figures, score, chunk } = found;
  const { name, fingerprint, path } = request.model;
  const planned: StagePlan = {
    ...stage,
    decodeStep: cost.stageEstimate(0, decodeShape(1, DECODE_CONTEXT)),
    prefill512: toEstimate(promptCost({ step: (shape) => cost.stage(0, shape) }, chunk), cost.sources[0] ?? ""),
    why: `the whole model on ${stage.threads} thread${stage.threads === 1 ? "" : "s"} of ${stage.driver}, as pinned`,
  };
  return ok({
    version: 1,
    model: { name, fingerprint, path },
    rackFingerprint: request.rack.fingerprint,
    replicas: [{ id: 0, stages: [planned], ...limits }],
    policy: { ...DEFAULT_POLICY, maxChunkTokens: chunk, ...request.options?.policy },
    predicted: {
      ttft512: toEstimate(promptCost(cost, chunk), cost.sources.join("; ")),
      tpot: cost.stepEstimate(decodeShape(1, DECODE_CONTEXT)),
      tokensPerSecond8: score.tokensPerSecond8,
    },
    reasons: [
      `${stage.device} (layers 0-${stage.toLayer}): ${figures}.`,
      `${stage.device} is not split: ${stage.driver} takes all layers or none.`,
      "No blocks are sealed: its cache is whole sequences, so a prefix that requests share is computed by each of them.",
      `KV takes ${Math.round((limits.workingPages * limits.pageBytes) / 1e6)} MB: room for ${limits.maxSequences} sequences of ${limits.contextLimit} tokens, reserved at the start.`,
      againstBest(request, stage.device, score.score),
    ],
  });
}

/** What each whole-model device of the rack that no pin asks for would do; one sentence a device. */
export function wholeModelReasons({ request }: DraftContext, score: number): readonly string[] {
  return request.rack.devices.filter(isWholeModel).map(({ id, driver, threads }) => {
    const what = `${id} is not used unless it is pinned (--pin 0=${id}), because it keeps no blocks to reuse`;
    if (request.model.fileBytes === undefined) return `${what}; it reads GGUF files, and the model is none.`;
    const range = { fromLayer: 0, toLayer: request.model.spec.layers };
    const stage = { ...range, device: id, driver, threads, prefillFormat: "file", decodeFormat: "file" } as const;
    const found = measuredCost(request, stage);
    if (found === undefined) return `${what}; the pin measures what it would do.`;
    return `${what}; it was measured: ${found.figures}, ${compared(found.score.score, score)} this plan.`;
  });
}

interface WholeCost {
  readonly cost: PricedStepCost;
  readonly figures: string;
  readonly score: ReturnType<typeof scoreFleet>;
  readonly chunk: number;
}

/** Its price where the very stage was measured: no operator table speaks of a library that runs models whole. */
function measuredCost(request: PlanRequest, stage: CostedStage): WholeCost | undefined {
  const { model, rack, stageCalibrations } = request;
  const device = rack.devices.find(({ id }) => id === stage.device);
  const correction = request.correctionOf?.([stage]);
  const input = { spec: model.spec, modelFingerprint: model.fingerprint, rack, stages: [stage], stageCalibrations };
  const cost = stepCostFrom(correction === undefined ? input : { ...input, correction });
  if (!cost.ok || device === undefined) return undefined;
  const prediction = predictReplica(cost.value, [device]);
  const score = scoreFleet([{ prediction, slowdown: 1, stages: 1 }], judgedStreams(request.options?.maxSequences));
  const { ttft, tpot, chunk } = prediction;
  const figures = `first token of ${PROMPT_TOKENS} in ${ms(ttft.ns)}, ${ms(tpot.ns)} a token, ${Math.round(score.tokensPerSecond8)} tokens/s with ${streamsText(score.streams)}`;
  return { cost: cost.value, figures, score, chunk };
}

/** What the pin costs or wins against the best plan without it. */
function againstBest(request: PlanRequest, device: string, score: number): string {
  const { pins: _pins, stages: _stages, ...options } = request.options ?? {};
  const free = bestFleet({ ...request, options });
  if (free === undefined) return `--pin 0=${device}: without it nothing fits.`;
  return `--pin 0=${device}: over first token, token and ${streamsText(free.score.streams)} together it is ${compared(score, free.score.score)} the best plan without it.`;
}

function compared(score: number, other: number): string {
  const percent = (share: number): string => `${(share * 100).toPrecision(2)} %`;
  return score < other ? `${percent(marginOf(score, other))} ahead of` : `${percent(marginOf(other, score))} behind`;
}

function ms(ns: number): string {
  return `${(ns / 1e6).toPrecision(3)} ms`;
}

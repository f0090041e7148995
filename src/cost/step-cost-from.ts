import { must } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import { type Correction, correctedNs } from "./correction.ts";
import type { Estimate } from "./estimate.ts";
import { transferCost } from "./link-cost.ts";
import type { NoBasis } from "./operator-cost.ts";
import { type Priced, sumPriced, toEstimate } from "./priced.ts";
import { relationOf } from "./stage-calibration.ts";
import { type StageCostInput, stagePricer } from "./stage-cost.ts";
import type { CostedStage, StagePricer } from "./stage-pricer.ts";
import type { StepCost, StepShape } from "./step-cost.ts";

/** Everything the price of an iteration comes from. */
export interface StepCostInput extends StageCostInput {
  /** The stages of one replica, in order. */
  readonly stages: readonly CostedStage[];
  /** Learned from live runs of these stages, where there are any. */
  readonly correction?: Correction;
}

/** A step cost that can also say how sure it is. */
export interface PricedStepCost extends StepCost {
  /** One stage, and all stages with hand-overs, of one iteration: prices that can be summed. */
  stage(stage: number, shape: StepShape): Priced;
  step(shape: StepShape): Priced;
  /** The stage's time with its 90 % interval, basis and source. */
  stageEstimate(stage: number, shape: StepShape): Estimate;
  /** The stage's time before any correction, in the two parts a correction is fitted to. */
  uncorrected(stage: number, shape: StepShape): { readonly decode: Priced; readonly prefill: Priced };
  /** All stages and hand-overs of one iteration, with the 90 % interval. */
  stepEstimate(shape: StepShape): Estimate;
  /** Where the figures of each stage come from. */
  readonly sources: readonly string[];
}

/** A typical mix that stands for the whole when one number must say how wide the intervals are. */
const TYPICAL: StepShape = { prefill: [{ count: 128, context: 128 }], decodeContexts: [256, 256, 256, 256], sampledRows: 4 };
/** Bytes of an element of the residual stream: f32. */
const RESIDUAL_BYTES = 4;

/**
 * The cost model of one replica's iterations: the measured stage where there is one, another range of layers of the same model scaled, else the
 * device's operator tables; corrected by live runs where there were any.
 *
 * Errors: `no-basis` names the device and the missing table.
 * Source: calibrations kept under the rack's fingerprint.
 */
export function stepCostFrom(input: StepCostInput): Result<PricedStepCost, NoBasis> {
  const pricers: StagePricer[] = [];
  for (const stage of input.stages) {
    const pricer = stagePricer(input, stage);
    if (!pricer.ok) return pricer;
    pricers.push(pricer.value);
  }
  const unlinked = input.stages.find((_stage, index) => index > 0 && handOverCost(input, index - 1, 1) === undefined);
  if (unlinked !== undefined) return err({ code: "no-basis", device: unlinked.device, missing: "links" });
  return ok(compose(input, pricers));
}

function compose(input: StepCostInput, pricers: readonly StagePricer[]): PricedStepCost {
  const { correction } = input;
  const uncorrected = (stage: number, shape: StepShape): { readonly decode: Priced; readonly prefill: Priced } => {
    const pricer = must(pricers[stage], "a stage of the plan");
    return { decode: pricer.decode(shape), prefill: pricer.prefill(shape) };
  };
  const corrected = (stage: number, shape: StepShape): Priced => {
    const { decode, prefill } = uncorrected(stage, shape);
    if (correction === undefined) return sumPriced([decode, prefill]);
    const parts = sumPriced([decode, prefill]);
    const promptTokens = shape.prefill.reduce((sum, { count }) => sum + count, 0);
    const step = { decodeRows: shape.decodeContexts.length, promptTokens, predictedDecodeNs: decode.ns, predictedPrefillNs: prefill.ns };
    const sum = { ...parts, ns: correctedNs(correction, step) };
    // A correction was fitted to this very stage: its own interval replaces the tables', unless the question lies outside them.
    return sum.basis === "extrapolated" ? sum : { ...sum, spread: correction.systematic };
  };
  const handOver = (stage: number, rows: number): Priced => must(handOverCost(input, stage, rows), "links were checked");
  const step = (shape: StepShape): Priced => {
    const parts: Priced[] = [];
    const rows = shape.decodeContexts.length + shape.prefill.reduce((sum, chunk) => sum + chunk.count, 0);
    for (let stage = 0; stage < pricers.length; stage++) {
      parts.push(corrected(stage, shape), handOver(stage, stage === pricers.length - 1 ? shape.sampledRows : rows));
    }
    return sumPriced(parts);
  };
  const sources = pricers.map((pricer) =>
    correction === undefined
      ? pricer.source
      : `${pricer.source}, corrected by ${correction.runs} live run${correction.runs === 1 ? "" : "s"}`,
  );
  return {
    stageNs: (stage, shape) => Math.round(corrected(stage, shape).ns),
    handOverNs: (stage, rows) => Math.round(handOver(stage, rows).ns),
    stage: corrected,
    step,
    spread: spreadOf(step, pricers, correction),
    ...(correction?.besideSlowdown === undefined ? {} : { besideSlowdown: correction.besideSlowdown }),
    stageEstimate: (stage, shape) => toEstimate(corrected(stage, shape), sources[stage]!),
    uncorrected,
    stepEstimate: (shape) => toEstimate(step(shape), [...new Set(sources)].join("; ")),
    sources,
  };
}

/** Residual stream to the next stage; after the last stage what an iteration takes beside its stages, by live runs where there were any. */
function handOverCost(input: StepCostInput, stage: number, rows: number): Priced | undefined {
  const from = input.stages[stage];
  const to = input.stages[stage + 1];
  if (from === undefined || to === undefined) {
    return input.correction === undefined ? assumedOverhead(input, stage, rows) : learnedOverhead(input.correction, rows);
  }
  const route = { from: from.device, to: to.device, bytes: rows * input.spec.width * RESIDUAL_BYTES };
  return transferCost(input.rack, route);
}

function learnedOverhead({ overheadNs, overheadPerSampleNs, systematic }: Correction, rows: number): Priced {
  return { ns: overheadNs + overheadPerSampleNs * rows, spread: systematic, basis: "measured" };
}

/** A message to the worker and one back, and a draw for each sampled row. */
function assumedOverhead(input: StepCostInput, stage: number, rows: number): Priced {
  const last = must(input.stages[stage], "a stage of the replica");
  const message = input.rack.links.find((link) => link.via === "message-port")?.latencyNs ?? 0;
  const { modelFingerprint } = input;
  const rackFingerprint = input.rack.fingerprint;
  const measured = input.stageCalibrations.find(
    (one) => relationOf(one, { ...last, modelFingerprint, rackFingerprint }, "decode") === "same",
  );
  return { ns: 2 * message + rows * (measured?.drawNs ?? 0), spread: 1, basis: "interpolated" };
}

function spreadOf(
  step: (shape: StepShape) => Priced,
  pricers: readonly StagePricer[],
  correction: Correction | undefined,
): StepCost["spread"] {
  if (correction !== undefined) {
    const { systematic, freedom, noise, lasting } = correction;
    return { systematic, freedom, noise, lasting };
  }
  return { systematic: step(TYPICAL).spread, noise: pricers.reduce((most, pricer) => Math.max(most, pricer.noise), 0) };
}

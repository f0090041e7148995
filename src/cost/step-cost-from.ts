import { must } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import type { Device, Rack } from "../rack/rack.ts";
import type { Correction } from "./correction.ts";
import type { Estimate } from "./estimate.ts";
import { deviceOf, transferCost } from "./link-cost.ts";
import { type NoBasis, operatorPricer } from "./operator-cost.ts";
import { type Priced, scalePriced, sumPriced, toEstimate } from "./priced.ts";
import { type StageCalibration, type StageIdentity, sameButLayers, stageKey } from "./stage-calibration.ts";
import type { CostedStage, StagePrice, StagePricer } from "./stage-pricer.ts";
import { scaledPricer, stageTablePricer } from "./stage-table-cost.ts";
import type { StepCost, StepShape } from "./step-cost.ts";

/** Everything the price of an iteration comes from. */
export interface StepCostInput {
  readonly spec: DecoderSpec;
  readonly modelFingerprint: string;
  readonly rack: Rack;
  /** The stages of one replica, in order. */
  readonly stages: readonly CostedStage[];
  readonly stageCalibrations: readonly StageCalibration[];
  /** Learned from live runs of these stages, where there are any. */
  readonly correction?: Correction;
}

/** A step cost that can also say how sure it is. */
export interface PricedStepCost extends StepCost {
  /** The stage's time with its 90 % interval, basis and source. */
  stageEstimate(stage: number, shape: StepShape): Estimate;
  /** The stage's time before any correction, in the two parts a correction is fitted to. */
  stagePrice(stage: number, shape: StepShape): StagePrice;
  /** All stages and hand-overs of one iteration, with the 90 % interval. */
  stepEstimate(shape: StepShape): Estimate;
  /** Where the figures of each stage come from. */
  readonly sources: readonly string[];
}

/** A typical mix that stands for the whole when one number must say how wide the intervals are. */
const TYPICAL: StepShape = { prefill: [{ count: 128, context: 128 }], decodeContexts: [256, 256, 256, 256], sampledRows: 4 };
const TYPICAL_DECODE: StepShape = { prefill: [], decodeContexts: [256], sampledRows: 1 };
const TYPICAL_PREFILL: StepShape = { prefill: [{ count: 256, context: 0 }], decodeContexts: [], sampledRows: 0 };
/** Scaling a stage's measurement to other layers assumes equal layers, which they are but for the head. */
const SCALED_SPREAD = 0.08;
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

function stagePricer(input: StepCostInput, stage: CostedStage): Result<StagePricer, NoBasis> {
  const device = deviceOf(input.rack, stage.device);
  if (device === undefined) return err({ code: "no-basis", device: stage.device, missing: "device" });
  const identity = identityOf(input, stage);
  const key = stageKey(identity);
  const exact = input.stageCalibrations.find((one) => stageKey(one) === key);
  if (exact !== undefined) return ok(stageTablePricer(exact));
  const similar = input.stageCalibrations.find((one) => sameButLayers(one, identity));
  const operators = operatorPricer(input.spec, stage, device);
  if (similar === undefined) return operators;
  return ok(scaledFrom(input, { stage, device, similar, operators }));
}

interface Scaling {
  readonly stage: CostedStage;
  readonly device: Device;
  readonly similar: StageCalibration;
  readonly operators: Result<StagePricer, NoBasis>;
}

/** The other stage's measurement times the ratio of the two by the operator tables; by layers alone where there are no tables. */
function scaledFrom(input: StepCostInput, { stage, device, similar, operators }: Scaling): StagePricer {
  const measured = stageTablePricer(similar);
  const other = operatorPricer(input.spec, { ...stage, fromLayer: similar.fromLayer, toLayer: similar.toLayer }, device);
  const byLayers = (stage.toLayer - stage.fromLayer) / (similar.toLayer - similar.fromLayer);
  const ratio = (part: "decode" | "prefill"): number => {
    if (!operators.ok || !other.ok) return byLayers;
    const shape = part === "decode" ? TYPICAL_DECODE : TYPICAL_PREFILL;
    return operators.value.price(shape)[part].ns / other.value.price(shape)[part].ns;
  };
  return scaledPricer(measured, ratio, operators.ok && other.ok ? SCALED_SPREAD : 2 * SCALED_SPREAD);
}

function identityOf(input: StepCostInput, stage: CostedStage): StageIdentity {
  return { ...stage, rackFingerprint: input.rack.fingerprint, modelFingerprint: input.modelFingerprint };
}

function compose(input: StepCostInput, pricers: readonly StagePricer[]): PricedStepCost {
  const { correction } = input;
  const corrected = (stage: number, shape: StepShape): Priced => {
    const { decode, prefill } = pricers[stage]!.price(shape);
    if (correction === undefined) return sumPriced([decode, prefill]);
    const sum = sumPriced([scalePriced(decode, correction.decodeFactor), scalePriced(prefill, correction.prefillFactor)]);
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
    correction === undefined ? pricer.source : `${pricer.source}, corrected by ${correction.runs} live runs`,
  );
  return {
    stageNs: (stage, shape) => Math.round(corrected(stage, shape).ns),
    handOverNs: (stage, rows) => Math.round(handOver(stage, rows).ns),
    spread: spreadOf(step, pricers, correction),
    stageEstimate: (stage, shape) => toEstimate(corrected(stage, shape), sources[stage]!),
    stagePrice: (stage, shape) => pricers[stage]!.price(shape),
    stepEstimate: (shape) => toEstimate(step(shape), [...new Set(sources)].join("; ")),
    sources,
  };
}

/** Residual stream to the next stage; after the last stage the iteration's overhead (sampling, messages), known once live runs were seen. */
function handOverCost(input: StepCostInput, stage: number, rows: number): Priced | undefined {
  const from = input.stages[stage];
  const to = input.stages[stage + 1];
  if (from === undefined || to === undefined) {
    const { overheadNs = 0, overheadPerSampleNs = 0 } = input.correction ?? {};
    return { ns: overheadNs + overheadPerSampleNs * rows, spread: 0, basis: "measured" };
  }
  const route = { from: from.device, to: to.device, bytes: rows * input.spec.width * RESIDUAL_BYTES };
  return transferCost(input.rack, route);
}

function spreadOf(
  step: (shape: StepShape) => Priced,
  pricers: readonly StagePricer[],
  correction: Correction | undefined,
): { readonly systematic: number; readonly noise: number } {
  if (correction !== undefined) return { systematic: correction.systematic, noise: correction.noise };
  return { systematic: step(TYPICAL).spread, noise: pricers.reduce((most, pricer) => Math.max(most, pricer.noise), 0) };
}

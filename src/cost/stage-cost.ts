import { err, ok, type Result } from "../base/result.ts";
import { quantile } from "../base/statistics.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import type { Device, Rack } from "../rack/rack.ts";
import type { EightBitShare } from "./block-weights.ts";
import { deviceOf } from "./link-cost.ts";
import { type NoBasis, operatorPricer } from "./operator-cost.ts";
import { type Relation, relationOf, type StageCalibration, type StageIdentity, type StepPart } from "./stage-calibration.ts";
import type { CostedStage, PartPricer, StagePricer } from "./stage-pricer.ts";
import { tableParts } from "./stage-table-cost.ts";
import type { StepShape } from "./step-cost.ts";

/** Everything the price of a stage comes from. */
export interface StageCostInput {
  readonly spec: DecoderSpec;
  readonly modelFingerprint: string;
  readonly rack: Rack;
  readonly stageCalibrations: readonly StageCalibration[];
  /** What of the model `block-int8` holds in 8 bits; all of it where absent. */
  readonly eightBit?: EightBitShare;
}

/** Small iterations of one kind, at which two figures of a stage are compared. */
const TYPICAL_OF: Readonly<Record<StepPart, StepShape>> = {
  decode: { prefill: [], decodeContexts: [256], sampledRows: 1 },
  prefill: { prefill: [{ count: 256, context: 0 }], decodeContexts: [], sampledRows: 0 },
};
/** Scaling a stage's measurement to other layers assumes equal layers, which they are but for the head. */
const SCALED_SPREAD = 0.08;

/**
 * The best figures there are for each part of a stage: its own measurement, another range of layers of the same model scaled, the device's operator
 * tables set right by what was measured in another format, or the tables alone.
 *
 * Errors: `no-basis` names the device and the missing table.
 * Source: calibrations kept under the rack's fingerprint.
 */
export function stagePricer(input: StageCostInput, stage: CostedStage): Result<StagePricer, NoBasis> {
  const device = deviceOf(input.rack, stage.device);
  if (device === undefined) return err({ code: "no-basis", device: stage.device, missing: "device" });
  const operators = operatorPricer(input.spec, stage, { device, eightBit: input.eightBit });
  const decode = partPricer(input, { stage, device, operators, part: "decode" });
  const prefill = partPricer(input, { stage, device, operators, part: "prefill" });
  if (decode === undefined || prefill === undefined) return operators;
  const source = decode.source === prefill.source ? decode.source : `decode: ${decode.source}; prefill: ${prefill.source}`;
  return ok({ decode: decode.price, prefill: prefill.price, source, noise: Math.max(decode.noise, prefill.noise) });
}

interface PartQuestion {
  readonly stage: CostedStage;
  readonly device: Device;
  readonly operators: Result<StagePricer, NoBasis>;
  readonly part: StepPart;
}

interface PartAnswer {
  readonly price: PartPricer;
  readonly source: string;
  readonly noise: number;
}

/** One part of a stage from its own measurement, else from another range of layers scaled, else from the tables set right by what was measured. */
function partPricer(input: StageCostInput, question: PartQuestion): PartAnswer | undefined {
  const { stage, operators, part } = question;
  const identity = identityOf(input, stage);
  const related = (wanted: Relation): StageCalibration | undefined => {
    const candidates = input.stageCalibrations.filter((one) => relationOf(one, identity, part) === wanted);
    // A stage measured with both formats as asked goes before one that shares only this part's.
    const other = part === "decode" ? "prefill" : "decode";
    return candidates.find((one) => relationOf(one, identity, other) === wanted) ?? candidates[0];
  };
  const same = related("same");
  if (same !== undefined) return { price: tableParts(same)[part], source: "stage calibration", noise: same.noise };
  const otherLayers = related("other-layers");
  if (otherLayers !== undefined) return scaledAnswer(input, question, otherLayers);
  if (!operators.ok) return undefined;
  const { noise } = operators.value;
  const otherFormat = related("other-format");
  if (otherFormat === undefined) return { price: operators.value[part], source: operators.value.source, noise };
  const { bias, spread } = residualOf(input, question, otherFormat);
  const source = "operator tables, set right by the stage in another format";
  return { price: widened(operators.value[part], bias, spread), source, noise };
}

/** The other layers' measurement times the ratio of the two by the operator tables; by the number of layers where there are no tables. */
function scaledAnswer(input: StageCostInput, question: PartQuestion, measured: StageCalibration): PartAnswer {
  const { stage, device, operators, part } = question;
  const other = operatorPricer(
    input.spec,
    { ...stage, fromLayer: measured.fromLayer, toLayer: measured.toLayer },
    { device, eightBit: input.eightBit },
  );
  const byTables = operators.ok && other.ok;
  const ratio = byTables
    ? operators.value[part](TYPICAL_OF[part]).ns / other.value[part](TYPICAL_OF[part]).ns
    : (stage.toLayer - stage.fromLayer) / (measured.toLayer - measured.fromLayer);
  const price = widened(tableParts(measured)[part], ratio, byTables ? SCALED_SPREAD : 2 * SCALED_SPREAD);
  return { price, source: "stage calibration of other layers, scaled", noise: measured.noise };
}

/**
 * What was measured of a stage over what the tables say of it: the median ratio over the points of its grid, and the 90 % quantile of what is left.
 */
function residualOf(
  input: StageCostInput,
  { stage, device, part }: PartQuestion,
  measured: StageCalibration,
): { bias: number; spread: number } {
  const { fromLayer, toLayer, prefillFormat, decodeFormat } = measured;
  const tables = operatorPricer(
    input.spec,
    { ...stage, fromLayer, toLayer, prefillFormat, decodeFormat },
    { device, eightBit: input.eightBit },
  );
  if (!tables.ok) return { bias: 1, spread: 2 * SCALED_SPREAD };
  const ratios = gridShapes(measured, part).map(({ shape, ns }) => ns / tables.value[part](shape).ns);
  const bias = quantile(ratios, 0.5);
  const residuals = ratios.map((ratio) => Math.abs(ratio / bias - 1));
  return { bias, spread: quantile(residuals, 0.9) };
}

/** The points of a stage's grid as iterations, with what they took. */
function gridShapes(measured: StageCalibration, part: StepPart): readonly { readonly shape: StepShape; readonly ns: number }[] {
  if (part === "prefill") {
    return measured.prefill.map(({ count, context, ns }) => ({
      shape: { prefill: [{ count, context }], decodeContexts: [], sampledRows: 0 },
      ns,
    }));
  }
  return measured.decode.map(({ batch, context, ns }) => {
    const decodeContexts = new Array<number>(batch).fill(context);
    return { shape: { prefill: [], decodeContexts, sampledRows: batch }, ns };
  });
}

function widened(price: PartPricer, factor: number, spread: number): PartPricer {
  return (shape) => {
    const { ns, spread: own, basis } = price(shape);
    return { ns: ns * factor, spread: own + spread, basis: basis === "measured" ? "interpolated" : basis };
  };
}

function identityOf(input: StageCostInput, stage: CostedStage): StageIdentity {
  return { ...stage, rackFingerprint: input.rack.fingerprint, modelFingerprint: input.modelFingerprint };
}

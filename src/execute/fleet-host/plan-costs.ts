import { eightBitShare } from "../../cost/block-weights.ts";
import type { StepCostInput } from "../../cost/step-cost-from.ts";
import type { DecoderModel } from "../../graph/decoder/model.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Rack } from "../../rack/rack.ts";
import { loadCorrection, loadStageCalibrations } from "../calibrate/calibration-store.ts";
import { besideSlowdown, identityOf } from "../calibrate/prepare-plan.ts";

/** What the cost model of each replica of a plan is made from: the rack's tables, and what was measured of the stages on it. */
export function planCosts(plan: Plan, model: DecoderModel, rack: Rack): StepCostInput[] {
  const stageCalibrations = loadStageCalibrations(rack.fingerprint, model.fingerprint);
  return plan.replicas.map(({ stages }) => {
    const correction = loadCorrection(
      stages.map((stage) => identityOf({ model, rack }, stage)),
      besideSlowdown(rack, stages),
    );
    const eightBit = eightBitShare(model.weights, model.spec);
    const input = { spec: model.spec, modelFingerprint: model.fingerprint, rack, stages, stageCalibrations, eightBit };
    return correction === undefined ? input : { ...input, correction };
  });
}

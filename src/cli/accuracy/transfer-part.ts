import { phaseTransferAccuracy } from "../../cost/accuracy/transfer/phase-transfer.ts";
import { publicOperatorSets } from "../../cost/accuracy/transfer/public-operators.ts";
import { helixPhases, splitwisePhases } from "../../cost/accuracy/transfer/public-phases.ts";
import { transferAccuracy } from "../../cost/accuracy/transfer/transfer-accuracy.ts";
import type { ConstantSlot } from "../../cost/operator/physics/constant-slot.ts";
import type { AccuracyPart } from "./accuracy-part.ts";

const SLOTS: readonly ConstantSlot[] = [
  "product half",
  "product eight",
  "product eightBlock",
  "prefill-attention",
  "decode-attention",
  "latent-attention",
  "experts half",
  "experts eight",
  "experts eightBlock",
  "experts packed",
  "stream",
];
const ROWS_PER_SLOT = 250;
const EVALUATIONS = 250;

/** Devices left out of every fit, one after the other: operators, layers and models. */
export const TRANSFER: AccuracyPart = {
  id: "transfer",
  title: "Devices that nothing was fitted on, from their data sheets alone and with at most six measurements a kind of operator",
  needs: "aiconfigurator-ops",
  beside: ["llmcompass-operators", "blis-device"],
  rows: async (data) => {
    const sets = await publicOperatorSets(data, ROWS_PER_SLOT);
    const operators = transferAccuracy(sets, { slots: SLOTS, evaluations: EVALUATIONS });
    return [...operators, ...phaseTransferAccuracy([...helixPhases(data), ...splitwisePhases(data)])];
  },
};

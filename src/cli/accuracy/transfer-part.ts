import { phaseTransferAccuracy } from "../../cost/accuracy/transfer/phase-transfer.ts";
import { publicOperatorSets } from "../../cost/accuracy/transfer/public-operators.ts";
import { helixPhases, splitwisePhases } from "../../cost/accuracy/transfer/public-phases.ts";
import { transferAccuracy } from "../../cost/accuracy/transfer/transfer-accuracy.ts";
import { EVALUATIONS, ROWS_PER_SLOT, TRANSFER_SLOTS } from "../../cost/accuracy/transfer/transfer-slots.ts";
import type { AccuracyPart } from "./accuracy-part.ts";

/** Devices left out of every fit, one after the other: operators, layers and models. */
export const TRANSFER: AccuracyPart = {
  id: "transfer",
  title: "Devices that nothing was fitted on, from their data sheets alone and with at most six measurements a kind of operator",
  needs: "aiconfigurator-ops",
  beside: ["llmcompass-operators", "blis-device"],
  rows: async (data) => {
    const sets = await publicOperatorSets(data, ROWS_PER_SLOT);
    const operators = transferAccuracy(sets, { slots: TRANSFER_SLOTS, evaluations: EVALUATIONS });
    return [...operators, ...phaseTransferAccuracy([...helixPhases(data), ...splitwisePhases(data)])];
  },
};

import { HeddleError } from "../../base/heddle-error.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { collectiveModel } from "../network/collectives/collective-model.ts";
import { sheetNetwork } from "../network/sheet-network.ts";
import { physicsModel } from "../operator/physics/physics-model.ts";
import type { TrainingCosts } from "./training-costs.ts";

/** Costs of training on a device by its data sheet. Errors: `figure-missing` where the sheet has no links or no `perNode`. */
export function sheetTrainingCosts(sheet: DeviceSheet): TrainingCosts {
  const figures = sheetNetwork(sheet, "nccl");
  if (figures === undefined)
    throw new HeddleError("figure-missing", { where: sheet.id, detail: "its sheet has no scaleUp and no host link" });
  return { operators: physicsModel(sheet), network: collectiveModel(figures), perNode: figures.scaleUp.devices };
}

/** Public measurements of the folder of shared data, for the fit of constants, benches and tests. */
import { dataFolder } from "../src/cli/accuracy/data-folder.ts";
import type { DeviceSet } from "../src/cost/accuracy/transfer/device-set.ts";
import type { PhaseSet } from "../src/cost/accuracy/transfer/phase-transfer.ts";
import { publicOperatorSets } from "../src/cost/accuracy/transfer/public-operators.ts";
import { helixPhases, splitwisePhases } from "../src/cost/accuracy/transfer/public-phases.ts";
import type { ConstantSlot } from "../src/cost/operator/physics/constant-slot.ts";

/** Where the shared data lies, seen from the project. */
export const SHARED_DATA = "../shared/data";

/** Measured operators; at most `perSlot` rows of each kind a device and data set. */
export function measuredSets(perSlot: number, slots?: readonly ConstantSlot[]): Promise<readonly DeviceSet[]> {
  return publicOperatorSets(dataFolder(SHARED_DATA), perSlot, slots);
}

/** Measured layers and models by phase. */
export function measuredPhases(): readonly PhaseSet[] {
  const files = dataFolder(SHARED_DATA);
  return [...helixPhases(files), ...splitwisePhases(files)];
}

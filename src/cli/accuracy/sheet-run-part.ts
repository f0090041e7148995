import { ADA } from "../../cost/operator/physics/families/ada.ts";
import { AMPERE } from "../../cost/operator/physics/families/ampere.ts";
import { BLACKWELL_GDDR } from "../../cost/operator/physics/families/blackwell-gddr.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { sheetRunAccuracy } from "../../simulate/accuracy/sheet-run.ts";
import type { AccuracyPart } from "./accuracy-part.ts";
import { recorded4090 } from "./recorded-part.ts";

const RUNS = 20;

/** Whose constants: the first were fitted on operators of the very device, the others on those of another one alone. */
const CONSTANTS = [
  [ADA, "constants of its operators"],
  [BLACKWELL_GDDR, "constants of the RTX PRO 6000"],
  [AMPERE, "constants of the A100"],
] as const;

/** The same recorded run from the device's data sheet: what `heddle simulate` does without tables of a device. */
export const SHEET_RUN: AccuracyPart = {
  id: "sheet-run",
  title: "The same run from the device's data sheet and the engine's settings, with constants of its own operators or of another device",
  needs: "llmservingsim-bench",
  beside: ["blis-device", "genz"],
  rows: (data) =>
    CONSTANTS.flatMap(([constants, label]) =>
      sheetRunAccuracy(recorded4090(data), {
        dataSet: "llmservingsim-bench",
        architecture: knownArchitecture("Llama-3.1-8B")!,
        sheet: deviceSheet("rtx-4090"),
        constants,
        label,
        runs: RUNS,
      }),
    ),
};

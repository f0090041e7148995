import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import { quadrature } from "../../priced.ts";
import type { Formats } from "../cut.ts";
import { type EngineOverheads, NO_OVERHEADS } from "../engine-overheads.ts";
import { overheadsOn } from "./engine-constants.ts";
import { FITTED_ENGINES } from "./fitted-engines.ts";

/** Engines by name; `heddle` adds nothing, as its host times are measured on each host. */
export type EngineName = "vllm" | "sglang" | "trtllm" | "heddle";

/**
 * What an engine adds to the operators of a device in given formats. Factors on operators make up for what physics misses of the families whose served
 * models they were fitted on, and no further: other families keep times of steps, sequences and layers alone.
 */
export function engineOverheads(engine: EngineName, sheet: DeviceSheet, formats: Formats): EngineOverheads {
  if (engine === "heddle") return NO_OVERHEADS;
  const overheads = overheadsOn(FITTED_ENGINES[engine], sheet, formats);
  return MEASURED.test(sheet.id) ? overheads : { ...overheads, attentionFactor: 1, expertFactor: 1, computeFactor: 1, exchangeFactor: 1 };
}

/** Families whose served models the constants were fitted on: catalogue ids. */
const MEASURED = /^(h100|h200|g?b[23]00)/;
/**
 * Relative half-width of the 90 % interval of an iteration of a measured family: what models, devices and engines missed when they were held out.
 * Source: aiconfigurator-silicon, whole groups held out (`npm run bench -- silicon`).
 */
const SERVED_SPREAD = 0.4;

/** Half-width of an iteration's interval: of a family that was not measured, that of its operators besides. */
export function engineSpread(sheet: DeviceSheet, operatorSpread: number, apart = false): number {
  return MEASURED.test(sheet.id) && !apart ? SERVED_SPREAD : quadrature(SERVED_SPREAD, operatorSpread);
}

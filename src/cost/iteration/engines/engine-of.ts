import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import { quadrature } from "../../priced.ts";
import type { Formats } from "../cut.ts";
import { type EngineOverheads, NO_OVERHEADS } from "../engine-overheads.ts";
import { overheadsOn } from "./engine-constants.ts";
import { FITTED_ENGINES } from "./fitted-engines.ts";
import { iterationInterval, type KnownProperties, widerSide } from "./served-interval.ts";
import { isBlackwell, servedCell } from "./served-properties.ts";

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

/** What is known of a model that an engine serves on a device, with settings that are stated. */
export function engineProperties(engine: EngineName, sheet: DeviceSheet, mixture: boolean): Omit<KnownProperties, "longPrompts"> {
  return { engine, named: true, mixture, blackwell: isBlackwell(sheet.id), cell: servedCell(engine, sheet.id) };
}

/** What an iteration's interval depends on besides its operators. */
export interface SpreadOf {
  readonly engine: EngineName;
  readonly sheet: DeviceSheet;
  readonly mixture: boolean;
  /** The operators are not those of the device's family. */
  readonly apart?: boolean;
}

/**
 * Relative half-width of the 90 % interval of an iteration: what TPOT of served models was off by on models, devices and engines that were held out; of a
 * family that was not measured, that of its operators besides.
 */
export function engineSpread({ engine, sheet, mixture, apart = false }: SpreadOf, operatorSpread: number): number {
  const served = widerSide(iterationInterval(engineProperties(engine, sheet, mixture)));
  return MEASURED.test(sheet.id) && !apart ? served : quadrature(served, operatorSpread);
}

import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { OperatorQuery } from "../operator/operator-query.ts";
import { operatorWork } from "../operator/operator-work.ts";
import { A100_POWER, ASSUMED_POWER, boardJoules, type PowerConstants } from "./board-power.ts";

/** Energy of an operator on one device, with the half-width of its power. Units: J. */
export interface OperatorEnergy {
  readonly joules: number;
  readonly spread: number;
}

/** Constants that were measured on a device's own chip, or those that are assumed. */
export function powerConstantsOf(sheet: DeviceSheet): PowerConstants {
  return sheet.id.startsWith("a100-") ? A100_POWER : ASSUMED_POWER;
}

/**
 * Energy a board takes for an operator that lasts `ns`; undefined where the sheet has no power figure.
 *
 * Model: what must be read and computed over `ns`, against the sheet's rates, gives the utilisations (`board-power.ts`). Streams count their bytes; exchange
 * leaves the board idle. A type without a peak counts as no computing.
 */
export function operatorEnergy(sheet: DeviceSheet, query: OperatorQuery, ns: number): OperatorEnergy | undefined {
  const watts = sheet.powerWatts?.value;
  if (watts === undefined) return undefined;
  const constants = powerConstantsOf(sheet);
  const work = operatorWork(query);
  const bytes = work?.bytes ?? (query.op === "stream" ? query.bytes : 0);
  const peak = work === undefined ? undefined : sheet.peaks[work.type];
  const compute = work === undefined || peak === undefined ? 0 : rate(work.ops, ns, peak.value);
  const memory = rate(bytes, ns, sheet.memory.bandwidthBytesPerSecond.value);
  return { joules: boardJoules(watts, constants, { ns, memory, compute }), spread: constants.spread };
}

/** Achieved over the sheet's rate, at most 1: what a cache served was not read. */
function rate(amount: number, ns: number, perSecond: number): number {
  const share = (amount * 1e9) / (ns * perSecond);
  return share < 1 ? share : 1;
}

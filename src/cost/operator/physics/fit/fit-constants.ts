import { ln } from "../../../../base/math.ts";
import { type ConstantSlot, constantsIn, type SlotConstants, withConstants } from "../constant-slot.ts";
import type { DeviceFigures } from "../device-figures.ts";
import { type ComputeQuery, missingPeak, operatorNs } from "../operator-time.ts";
import type { PhysicsConstants } from "../physics-constants.ts";
import { coordinateSearch, type Parameters, type SearchOptions } from "./coordinate-search.ts";

/** A measured time of an operator. Units: ns. */
export interface MeasuredTime {
  readonly query: ComputeQuery;
  readonly ns: number;
}

/** What was measured on one device. */
export interface DeviceTimes {
  readonly device: DeviceFigures;
  readonly rows: readonly MeasuredTime[];
}

/** Shares lie below what is physically possible, with some room for clocks above those of the sheet. */
export const BOUNDS: SearchOptions["bounds"] = {
  memoryShare: [0.1, 1.1],
  computeShare: [0.02, 1.2],
  prefillShare: [0.02, 1.2],
  decodeComputeShare: [0.02, 1.2],
  decodeMemoryShare: [0.05, 1.1],
  scoreComputeShare: [0.02, 1.2],
  scoreMemoryShare: [0.3, 1.1],
  scoreBytes: [4, 64],
  chooseRows: [1, 16],
  denseShare: [0.02, 1.2],
  gatherGain: [0.05, 8],
  serialShare: [1e-4, 1],
  waveShare: [1e-4, 1],
  cacheGain: [0.3, 8],
  cacheFit: [0.1, 4],
  copies: [1e-3, 60],
};
/** Chosen from a list, not by steps, or not a constant of the kernel. */
const NOT_SEARCHED = new Set(["spread", "tileRows", "tileKeys", "splitsSingle", "tileHeads", "denseShort", "scoresShort"]);
/** Products that take their input as it comes move nothing for it. */
const UNQUANTISED: readonly ConstantSlot[] = ["product half", "product wide", "product packed"];

/** Names of the constants of a slot that a fit may move. */
export function freeConstants(slot: ConstantSlot, constants: SlotConstants): readonly string[] {
  return Object.keys(constants).filter((name) => !NOT_SEARCHED.has(name) && !(name === "inputBytes" && UNQUANTISED.includes(slot)));
}

/** Mean |ln(predicted / measured)|, each device with the same weight. */
export function meanLogError(constants: PhysicsConstants, sets: readonly DeviceTimes[]): number {
  let sum = 0;
  let count = 0;
  for (const { device, rows } of sets) {
    if (rows.length === 0) continue;
    let ofDevice = 0;
    for (const { query, ns } of rows) ofDevice += Math.abs(ln(operatorNs(device, constants, query) / ns));
    sum += ofDevice / rows.length;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

/**
 * Constants of one slot that predict measured times best, starting from given ones.
 *
 * Model: least mean |ln(predicted / measured)| by coordinate search. Rows whose peak a device lacks must have been left out (`usable`).
 */
export function fitConstants(
  start: PhysicsConstants,
  slot: ConstantSlot,
  sets: readonly DeviceTimes[],
  evaluations: number,
): PhysicsConstants {
  const part = constantsIn(start, slot);
  const at = (parameters: Parameters): PhysicsConstants =>
    withConstants(start, slot, { ...part, ...parameters } as unknown as SlotConstants);
  const free = freeConstants(slot, part);
  const first: Record<string, number> = {};
  for (const name of free) first[name] = (part as unknown as Parameters)[name]!;
  return at(coordinateSearch(first, (parameters) => meanLogError(at(parameters), sets), { free, bounds: BOUNDS, evaluations }));
}

/** Rows that a device's sheet can price. */
export function usable(times: DeviceTimes): DeviceTimes {
  return { device: times.device, rows: times.rows.filter(({ query, ns }) => ns > 0 && missingPeak(times.device, query) === undefined) };
}

import type { DeviceSheet } from "../../../../rack/catalog/device-sheet.ts";
import { type ConstantSlot, slotOf } from "../constant-slot.ts";
import type { ComputeQuery } from "../operator-time.ts";
import type { PhysicsConstants } from "../physics-constants.ts";
import { physicsModel } from "../physics-model.ts";

/** How often an operator runs in what is asked about: one iteration, one request, one day. */
export interface OperatorUse {
  readonly query: ComputeQuery;
  readonly count: number;
}

/** The measurement that narrows an answer most. */
export interface TellingMeasurement {
  readonly query: ComputeQuery;
  readonly slot: ConstantSlot;
  /** Share of the answer's time that operators of its kind take, and of its squared half-width. */
  readonly shareOfTime: number;
  readonly shareOfVariance: number;
  /** Relative half-width of the whole answer now, and once it is measured. */
  readonly spread: number;
  readonly spreadAfter: number;
}

/** Half-width of an operator that was measured itself: repeats of one measurement in public tables. */
const MEASURED_SPREAD = 0.1;

/**
 * The one operator of a mix whose measurement on the device would narrow the total time most; undefined for an empty mix or one without basis.
 *
 * Model: errors of one kind of operator are shared and add; those of unlike kinds are independent. Measuring an operator brings its kind to the
 * half-width of measured times. Of that kind the operator that takes most of the time is named.
 */
export function mostTelling(
  sheet: DeviceSheet,
  uses: readonly OperatorUse[],
  constants?: PhysicsConstants,
): TellingMeasurement | undefined {
  const model = physicsModel(sheet, constants);
  const kinds = new Map<ConstantSlot, { ns: number; width: number; longest: number; query: ComputeQuery }>();
  let totalNs = 0;
  for (const { query, count } of uses) {
    const price = model.price(query);
    if (!price.ok) return undefined;
    const ns = price.value.ns * count;
    const slot = slotOf(query);
    const kind = kinds.get(slot) ?? { ns: 0, width: 0, longest: -1, query };
    kind.ns += ns;
    kind.width += ns * price.value.spread;
    if (ns > kind.longest) {
      kind.longest = ns;
      kind.query = query;
    }
    kinds.set(slot, kind);
    totalNs += ns;
  }
  let variance = 0;
  for (const { width } of kinds.values()) variance += width * width;
  let best: TellingMeasurement | undefined;
  for (const [slot, { ns, width, query }] of kinds) {
    const left = Math.min(width, ns * MEASURED_SPREAD);
    const spreadAfter = Math.sqrt(variance - width * width + left * left) / totalNs;
    if (best !== undefined && spreadAfter >= best.spreadAfter) continue;
    best = {
      query,
      slot,
      shareOfTime: ns / totalNs,
      shareOfVariance: (width * width) / variance,
      spread: Math.sqrt(variance) / totalNs,
      spreadAfter,
    };
  }
  return best;
}

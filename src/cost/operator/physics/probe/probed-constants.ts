import type { DeviceSheet } from "../../../../rack/catalog/device-sheet.ts";
import { type ConstantSlot, constantsIn, type SlotConstants, slotOf, withConstants } from "../constant-slot.ts";
import { deviceFigures } from "../device-figures.ts";
import { FAMILIES, familyOf } from "../families.ts";
import { type MeasuredTime, usable } from "../fit/fit-constants.ts";
import type { PhysicsConstants } from "../physics-constants.ts";
import { adjustConstants } from "./adjust-constants.ts";

/**
 * Half-widths that hold 90 % of the rows of a device known by its sheet and a few measurements a kind of operator.
 *
 * Source: devices left out in turn (cost/accuracy/transfer, `npm run bench -- transfer`), all of a kind together; rows known to be faulty left out.
 */
const PROBED_SPREAD: Readonly<Record<string, number>> = {
  product: 0.4,
  "prefill-attention": 0.4,
  "decode-attention": 0.65,
  "latent-attention": 0.42,
  experts: 0.55,
  stream: 0.45,
};
/** Kinds of operators with fewer measurements stay as the family has them. */
const LEAST_PROBES = 3;

/**
 * Constants of a device from its sheet and what was measured on it: for each kind of operator with at least three measurements, the family that explains
 * them best, moved by what they tell; the rest is the family's.
 *
 * Why: three to six calls a kind halve the error of a device of a new family (`probeQueries` names the calls).
 */
export function probedConstants(sheet: DeviceSheet, measured: readonly MeasuredTime[]): PhysicsConstants {
  const { device, rows } = usable({ device: deviceFigures(sheet), rows: measured });
  const bySlot = new Map<ConstantSlot, MeasuredTime[]>();
  for (const row of rows) {
    const slot = slotOf(row.query);
    const list = bySlot.get(slot);
    if (list === undefined) bySlot.set(slot, [row]);
    else list.push(row);
  }
  let constants = familyOf(sheet);
  const probed: string[] = [];
  for (const [slot, probes] of bySlot) {
    if (probes.length < LEAST_PROBES) continue;
    const adjusted = adjustConstants([constants, ...FAMILIES], slot, { device, rows: probes });
    if (adjusted === undefined) continue;
    const spread = PROBED_SPREAD[slot.split(" ")[0]!] ?? constantsIn(adjusted, slot).spread;
    constants = withConstants(constants, slot, { ...constantsIn(adjusted, slot), spread } as SlotConstants);
    probed.push(`${slot} (${probes.length})`);
  }
  if (probed.length === 0) return constants;
  return { ...constants, family: `${constants.family}, measured: ${probed.join(", ")}`, devices: [sheet.id] };
}

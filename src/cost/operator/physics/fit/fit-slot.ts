import { type ConstantSlot, constantsIn, type SlotConstants, withConstants } from "../constant-slot.ts";
import type { PhysicsConstants } from "../physics-constants.ts";
import { type DeviceTimes, fitConstants, meanLogError } from "./fit-constants.ts";

/** Settings of kernels that are chosen from a list: rows of a tile of queries, heads that are rounded up to, whether contexts of single heads are cut. */
const CHOICES: Readonly<Partial<Record<ConstantSlot, readonly Readonly<Record<string, number | boolean>>[]>>> = {
  "prefill-attention": [{ tileRows: 64 }, { tileRows: 128 }],
  "sparse-attention": [16, 64, 128].flatMap((tileHeads) => [
    { tileHeads, scoresShort: false },
    { tileHeads, scoresShort: true },
  ]),
  "decode-attention": [{ splitsSingle: true }, { splitsSingle: false }],
};

/** The best constants of a slot, over the settings that are chosen and the numbers that are searched. */
export function fitSlot(start: PhysicsConstants, slot: ConstantSlot, sets: readonly DeviceTimes[], evaluations: number): PhysicsConstants {
  let best: PhysicsConstants | undefined;
  let least = Infinity;
  for (const choice of CHOICES[slot] ?? [{}]) {
    const chosen = withConstants(start, slot, { ...constantsIn(start, slot), ...choice } as SlotConstants);
    const fitted = fitConstants(chosen, slot, sets, evaluations);
    const loss = meanLogError(fitted, sets);
    if (loss < least) {
      best = fitted;
      least = loss;
    }
  }
  return best ?? start;
}

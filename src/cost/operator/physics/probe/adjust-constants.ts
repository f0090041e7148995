import { ln } from "../../../../base/math.ts";
import { type ConstantSlot, constantsIn, type SlotConstants, withConstants } from "../constant-slot.ts";
import { coordinateSearch, type Parameters } from "../fit/coordinate-search.ts";
import { BOUNDS, type DeviceTimes } from "../fit/fit-constants.ts";
import { operatorNs } from "../operator-time.ts";
import type { PhysicsConstants } from "../physics-constants.ts";

/** Constants that a few measurements can tell; the others stay those of the family. */
const TOLD: Readonly<Record<string, readonly string[]>> = {
  product: ["launchNs", "memoryShare", "computeShare", "coreDraw", "inputBytes"],
  experts: ["launchNs", "memoryShare", "computeShare", "gathers"],
  "prefill-attention": ["launchNs", "memoryShare", "computeShare"],
  "decode-attention": ["launchNs", "memoryShare", "unitNs", "coreDraw"],
  "latent-attention": ["launchNs", "copies", "rowCopies", "prefillShare", "decodeMemoryShare"],
  "sparse-attention": ["launchNs", "indexNs", "chooseKeyNs", "prefillShare", "gatherGain", "decodeMemoryShare"],
  stream: ["launchNs", "memoryShare", "cacheGain"],
};
/** Deviation, in natural logs, of a time from its family's formula, and of a device's constants from its family's: what the families fitted here show. */
const ERROR_DEVIATION = 0.15;
const CONSTANT_DEVIATION = 0.3;
/** Errors beyond this many deviations count linearly: one odd kernel shall not bend the rest. */
const LINEAR_FROM = 1.5;
const EVALUATIONS = 300;

/**
 * The family whose constants explain a device's probes best, with those constants moved that the probes tell.
 *
 * Model: the likeliest constants where errors and departures from the family are normal in their logarithms (Huber's loss for errors), over all families.
 */
export function adjustConstants(
  families: readonly PhysicsConstants[],
  slot: ConstantSlot,
  probes: DeviceTimes,
): PhysicsConstants | undefined {
  let best: PhysicsConstants | undefined;
  let least = Infinity;
  for (const family of families) {
    const part = constantsIn(family, slot) as unknown as Parameters;
    const free = (TOLD[slot.split(" ")[0]!] ?? []).filter((name) => (part[name] ?? 0) > 0);
    const at = (parameters: Parameters): PhysicsConstants =>
      withConstants(family, slot, { ...part, ...parameters } as unknown as SlotConstants);
    const loss = (parameters: Parameters): number => {
      const constants = at(parameters);
      let sum = 0;
      for (const { query, ns } of probes.rows) sum += huber(ln(operatorNs(probes.device, constants, query) / ns) / ERROR_DEVIATION);
      for (const name of free) {
        const deviations = ln(parameters[name]! / part[name]!) / CONSTANT_DEVIATION;
        sum += deviations * deviations;
      }
      return sum;
    };
    const start = Object.fromEntries(free.map((name) => [name, part[name]!]));
    const found = coordinateSearch(start, loss, { free, bounds: BOUNDS, evaluations: EVALUATIONS });
    const reached = loss(found);
    if (reached < least) {
      best = at(found);
      least = reached;
    }
  }
  return best;
}

/** Square near 0, linear beyond. */
function huber(deviations: number): number {
  const size = Math.abs(deviations);
  return size <= LINEAR_FROM ? size * size : LINEAR_FROM * (2 * size - LINEAR_FROM);
}

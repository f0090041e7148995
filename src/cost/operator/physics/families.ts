import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import { ADA } from "./families/ada.ts";
import { AMPERE } from "./families/ampere.ts";
import { BLACKWELL } from "./families/blackwell.ts";
import { BLACKWELL_GDDR } from "./families/blackwell-gddr.ts";
import { BLACKWELL_SGLANG } from "./families/blackwell-sglang.ts";
import { BLACKWELL_TRTLLM } from "./families/blackwell-trtllm.ts";
import { GENERIC } from "./families/generic.ts";
import { HOPPER } from "./families/hopper.ts";
import { HOPPER_SGLANG } from "./families/hopper-sglang.ts";
import { HOPPER_TRTLLM } from "./families/hopper-trtllm.ts";
import type { PhysicsConstants } from "./physics-constants.ts";

/** Constants of all families that were measured, and those of all together. */
export const FAMILIES: readonly PhysicsConstants[] = [AMPERE, ADA, HOPPER, BLACKWELL, BLACKWELL_GDDR, GENERIC];

/** Words of an id or name that tell a family, longest first where one holds another. */
const FAMILY_WORDS: readonly (readonly [RegExp, PhysicsConstants])[] = [
  [/\b(rtx-?pro-?\d+|rtx-?50\d0)/, BLACKWELL_GDDR],
  [/\b(gb[23]00|b[123]00)\b/, BLACKWELL],
  [/\b(gh200|h[128]00|h20)\b/, HOPPER],
  [/\b(l40s?|l4|rtx-?40\d0|ada)\b/, ADA],
  [/\b(a100|a800|a30|a40|a10g?|rtx-?30\d0)\b/, AMPERE],
];

/** Constants of the family a device belongs to; of devices nobody measured, the generic ones with their wide bars. */
export function familyOf(sheet: DeviceSheet): PhysicsConstants {
  if (!/nvidia/i.test(sheet.vendor)) return GENERIC;
  const words = `${sheet.id} ${sheet.name}`.toLowerCase().replaceAll(/[_\s]+/g, "-");
  for (const [pattern, constants] of FAMILY_WORDS) if (pattern.test(words)) return constants;
  return GENERIC;
}

/** Families by the engine whose own kernels were measured on them. */
const KERNELS: Readonly<Record<string, ReadonlyMap<PhysicsConstants, PhysicsConstants>>> = {
  sglang: new Map([
    [HOPPER, HOPPER_SGLANG],
    [BLACKWELL, BLACKWELL_SGLANG],
  ]),
  trtllm: new Map([
    [HOPPER, HOPPER_TRTLLM],
    [BLACKWELL, BLACKWELL_TRTLLM],
  ]),
};

/**
 * Constants of an engine's own kernels on a device: engines differ by factors in how they multiply experts and narrow types. Families and engines whose
 * kernels were not measured take the family's, which were measured in vLLM.
 */
export function kernelsOf(sheet: DeviceSheet, engine: string | undefined): PhysicsConstants {
  const family = familyOf(sheet);
  const own = engine !== undefined && Object.hasOwn(KERNELS, engine) ? KERNELS[engine]!.get(family) : undefined;
  return own ?? family;
}

import { z } from "zod";
import type { Reach } from "../attention.ts";
import { flag, invalidField, optionalSize, unknownSetting } from "./fields.ts";

/** Fields that say which layers see a window only. */
export const reachFields = {
  sliding_window: optionalSize.or(z.literal(0)),
  use_sliding_window: flag,
  max_window_layers: z.int().min(0).nullish(),
  sliding_window_pattern: optionalSize,
  layer_types: z.array(z.string()).nullish(),
};

export const ALL: Reach = { kind: "all" };

/** Reach of a layer that the configuration lists by name in `layer_types`. Errors: a name that is not known, a list of another length. */
export function listedReach(
  types: readonly string[],
  index: number,
  options: { readonly window: number | null | undefined; readonly layers: number },
): Reach {
  if (types.length !== options.layers) throw invalidField("layer_types", `${types.length} names for ${options.layers} layers`);
  const type = types[index];
  if (type === "full_attention") return ALL;
  if (type !== "sliding_attention") throw unknownSetting("layer_types", String(type));
  if (!options.window) throw invalidField("sliding_window", "sliding layers need it");
  return { kind: "window", tokens: options.window };
}

/** A window where there is one. */
export function windowOf(tokens: number | null | undefined): Reach {
  return tokens ? { kind: "window", tokens } : ALL;
}

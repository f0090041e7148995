import { z } from "zod";
import { ELEMENT_BYTES } from "../graph/ir/graph.ts";
import { finiteAmount, nameText, positive, sourceText } from "./schema-parts.ts";

/** Most buckets, filters and resident stages that are plausible. */
const LIST_MAX = 1024;
const SIZE_MAX = 1_048_576;
/** Slowest a device may be emulated. */
const SLOWDOWN_MAX = 1_000_000;
const SEED_MAX = 4_294_967_295;

const DATA_TYPES = Object.keys(ELEMENT_BYTES) as (keyof typeof ELEMENT_BYTES)[];

const filter = {
  domain: z.exactOptional(nameText),
  type: z.exactOptional(nameText),
  element: z.exactOptional(z.enum(DATA_TYPES)),
};

const shapes = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("dynamic") }),
  z.strictObject({ type: z.literal("bucketed"), sizes: z.array(z.int().min(1).max(SIZE_MAX)).min(1).max(LIST_MAX) }),
  z.strictObject({ type: z.literal("static") }),
]);

const residency = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("stay") }),
  z.strictObject({ type: z.literal("stream"), bytesPerSecond: positive }),
  z.strictObject({ type: z.literal("reconfigure"), stages: z.int().min(1).max(LIST_MAX), reconfigureNs: finiteAmount }),
]);

const operators = z.union([
  z.strictObject({ allow: z.array(z.strictObject(filter)).min(1).max(LIST_MAX) }),
  z.strictObject({
    deny: z
      .array(z.strictObject({ ...filter, reason: sourceText }))
      .min(1)
      .max(LIST_MAX),
  }),
]);

/** Form of a device's `emulation`; its relation to the rest of the row is checked by `checkEmulation`. */
export const emulation = z.strictObject({
  arithmetic: z.enum(["ort", "ort-wasm"]),
  format: z.enum(["f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2", "f4e2m1", "i8", "i4"]),
  rounding: z.enum(["none", "inputs"]),
  shapes,
  residency,
  boundary: z.enum(["operator", "stage", "phase", "model"]),
  stateBoundary: z.enum(["blocks", "sequence", "none"]),
  operators: z.exactOptional(operators),
  compileNs: finiteAmount,
  slowdown: z.number().min(1).max(SLOWDOWN_MAX),
  deviationSeed: z.exactOptional(z.int().min(0).max(SEED_MAX)),
  source: sourceText,
});

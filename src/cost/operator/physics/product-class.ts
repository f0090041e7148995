import type { PeakType } from "../../../rack/peak-type.ts";
import type { ProductClass } from "./physics-constants.ts";

const CLASS_OF: Readonly<Record<PeakType, ProductClass>> = {
  f64: "wide",
  f32: "wide",
  f16: "half",
  bf16: "half",
  f8e4m3: "eight",
  f8e5m2: "eight",
  i8: "eight",
  f4e2m1: "four",
  i4: "four",
};

/** What a product's class depends on. */
export interface ClassedQuery {
  readonly type: PeakType;
  readonly blockScaled?: boolean;
  readonly weightType?: PeakType;
}

/** Whole numbers that weights are stored in. */
const PACKED: readonly (PeakType | undefined)[] = ["i4", "i8"];

/**
 * Class of constants that a product uses.
 *
 * Why not all unpacked weights are `packed`: engines differ by a factor of 2.6 in how they unpack 4-bit floats (`unpacksFloats`).
 */
export function productClass({ type, blockScaled, weightType }: ClassedQuery): ProductClass {
  if (weightType !== type && PACKED.includes(weightType)) return "packed";
  const plain = CLASS_OF[type];
  return blockScaled === true && plain === "eight" ? "eightBlock" : plain;
}

/** Whether weights are floats that are unpacked to a wider type: priced as that type with narrow reads, and known to a wide interval only. */
export function unpacksFloats({ type, weightType }: ClassedQuery): boolean {
  return weightType !== undefined && weightType !== type && !PACKED.includes(weightType);
}

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

/** Class of constants that a product uses. */
export function productClass({ type, blockScaled, weightType }: ClassedQuery): ProductClass {
  if (weightType !== undefined && weightType !== type) return "packed";
  const plain = CLASS_OF[type];
  return blockScaled === true && plain === "eight" ? "eightBlock" : plain;
}

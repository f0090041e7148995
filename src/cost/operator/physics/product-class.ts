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

/** Class of constants that products of a type use. */
export function productClass(type: PeakType, blockScaled: boolean): ProductClass {
  const plain = CLASS_OF[type];
  return blockScaled && plain === "eight" ? "eightBlock" : plain;
}

import type { PeakType } from "../../../rack/peak-type.ts";

/** What a type name of AIConfigurator's tables says about a product. */
export interface ProductTypes {
  readonly type: PeakType;
  readonly blockScaled?: true;
  readonly weightType?: PeakType;
}

/** Names of `gemm_dtype`, `moe_dtype` and `gemm_type`. Source: ai-dynamo/aiconfigurator, quantisation modes of its tables at 095f58a. */
const PRODUCT_TYPES: Readonly<Record<string, ProductTypes>> = {
  bfloat16: { type: "bf16" },
  float16: { type: "f16" },
  fp8: { type: "f8e4m3" },
  fp8_block: { type: "f8e4m3", blockScaled: true },
  nvfp4: { type: "f4e2m1" },
  int8: { type: "i8" },
  int8_wo: { type: "bf16", weightType: "i8" },
  int4_wo: { type: "bf16", weightType: "i4" },
  w4a16_mxfp4: { type: "bf16", weightType: "f4e2m1" },
};

const ELEMENT_TYPES: Readonly<Record<string, PeakType>> = {
  bfloat16: "bf16",
  float16: "f16",
  half: "f16",
  fp8: "f8e4m3",
  int8: "i8",
};

/** Types of a product; undefined for a name that is not known. */
export function productTypes(name: string): ProductTypes | undefined {
  return Object.hasOwn(PRODUCT_TYPES, name) ? PRODUCT_TYPES[name] : undefined;
}

/** Type of an activation, cache or message; undefined for a name that is not known. */
export function elementType(name: string): PeakType | undefined {
  return Object.hasOwn(ELEMENT_TYPES, name) ? ELEMENT_TYPES[name] : undefined;
}

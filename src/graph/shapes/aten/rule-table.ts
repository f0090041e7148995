import { ATTENTION } from "./attention.ts";
import type { AtenRule, RuleTable } from "./call.ts";
import { CONVOLUTION } from "./convolution.ts";
import { CREATION } from "./creation.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import { INDEXING } from "./indexing.ts";
import { JOINING } from "./joining.ts";
import { MATRIX_PRODUCTS } from "./matrix-products.ts";
import { NORMALISATION } from "./normalisation.ts";
import { REDUCTIONS } from "./reductions.ts";
import { RESHAPING } from "./reshaping.ts";

/** Shape rules of ATen operators by their names. Source: PyTorch documentation of the operators, and aten/src/ATen/native/native_functions.yaml. */
export const ATEN_RULES: RuleTable = {
  ...ELEMENTWISE,
  ...MATRIX_PRODUCTS,
  ...CONVOLUTION,
  ...NORMALISATION,
  ...RESHAPING,
  ...JOINING,
  ...INDEXING,
  ...REDUCTIONS,
  ...CREATION,
  ...ATTENTION,
};

/** Undefined for an operator without a rule. In-place forms have the rule of the others. */
export function atenRule(type: string): AtenRule | undefined {
  const name = plainName(type);
  return Object.hasOwn(ATEN_RULES, name) ? ATEN_RULES[name] : undefined;
}

/** Name without the underscore of an in-place form: `index_copy_` → `index_copy`. */
export function plainName(type: string): string {
  return isInPlace(type) ? type.slice(0, -1) : type;
}

export function isInPlace(type: string): boolean {
  return type.endsWith("_") && !type.endsWith("__");
}

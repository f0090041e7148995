import { elementwiseCases } from "./elementwise-cases.ts";
import { movementCases } from "./movement-cases.ts";
import { normalisationCases } from "./normalisation-cases.ts";
import type { OperatorCase } from "./operator-case.ts";
import { productCases } from "./product-cases.ts";
import { quantisedCases } from "./quantised-cases.ts";
import { selectionCases } from "./selection-cases.ts";

/** Every case a device is asked to compute, by name; names are unique. */
export function allCases(): readonly OperatorCase[] {
  const cases = [
    ...elementwiseCases(),
    ...productCases(),
    ...normalisationCases(),
    ...movementCases(),
    ...quantisedCases(),
    ...selectionCases(),
  ];
  return [...new Map(cases.map((each) => [each.name, each])).values()];
}

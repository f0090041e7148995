import { err } from "../../base/result.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../rack/peak-type.ts";
import type { OperatorModel } from "../operator/operator-model.ts";

/** Types a device without a peak for the weights' type computes in: the first it has. */
const WIDER: readonly PeakType[] = ["bf16", "f16", "f32"];

/**
 * Operators whose weights are narrower than any type the device computes in (4-bit weights on devices without 4-bit arithmetic): weights are stored
 * narrow and unpacked to the first wider type there is. Queries the device can compute are passed on as they are.
 *
 * Errors: `no-basis` where the device has no wider type either.
 */
export function narrowWeights(operators: OperatorModel, sheet: DeviceSheet): OperatorModel {
  const wide = WIDER.find((type) => sheet.peaks[type] !== undefined);
  return {
    source: operators.source,
    price(query) {
      if (query.op !== "product" && query.op !== "experts" && query.op !== "latent-attention") return operators.price(query);
      if (sheet.peaks[query.type] !== undefined) return operators.price(query);
      if (wide === undefined) return err({ code: "no-basis", missing: `a peak of ${sheet.name} for ${query.type} or a wider type` });
      const { blockScaled: _unused, ...plain } = query;
      if (plain.op === "latent-attention") return operators.price({ ...plain, type: wide });
      return operators.price({ ...plain, type: wide, weightType: query.type });
    },
  };
}

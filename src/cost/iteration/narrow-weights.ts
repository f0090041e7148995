import { err, ok, type Result } from "../../base/result.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../rack/peak-type.ts";
import type { NoOperatorBasis, OperatorModel } from "../operator/operator-model.ts";
import type { ExpertQuery, LatentAttentionQuery, OperatorQuery, ProductQuery } from "../operator/operator-query.ts";
import type { Priced } from "../priced.ts";
import { ELEMENT_BYTES } from "./cut.ts";

/** Types a device without a peak for the weights' type computes in: the first it has. */
const WIDER: readonly PeakType[] = ["bf16", "f16", "f32"];
/** Interval of what widening weights on the way costs besides; no public table has it. */
const WIDENING_SPREAD = 0.3;
const NS_PER_S = 1e9;

/**
 * Prices operators whose weights are narrower than any type the device computes in (4-bit weights on devices without 4-bit arithmetic): weights are
 * read narrow and widened on the way.
 *
 * Model: the operator in the wider type less the time its weights do not take, but no less than an operator whose depth is cut to the narrow bytes
 * (which costs the launch and the narrow read). Queries the device can compute are passed on as they are.
 */
export function narrowWeights(operators: OperatorModel, sheet: DeviceSheet): OperatorModel {
  const wide = WIDER.find((type) => sheet.peaks[type] !== undefined);
  return {
    source: operators.source,
    price(query) {
      if (query.op !== "product" && query.op !== "experts" && query.op !== "latent-attention") return operators.price(query);
      if (sheet.peaks[query.type] !== undefined) return operators.price(query);
      if (wide === undefined) return err({ code: "no-basis", missing: `a peak of ${sheet.name} for ${query.type} or a wider type` });
      return priceNarrow(operators, sheet, query, wide);
    },
  };
}

type WeightQuery = ProductQuery | ExpertQuery | LatentAttentionQuery;

function priceNarrow(operators: OperatorModel, sheet: DeviceSheet, query: WeightQuery, wide: PeakType): Result<Priced, NoOperatorBasis> {
  const { blockScaled: _unused, ...plain } = query as ProductQuery;
  const widened = operators.price({ ...plain, type: wide } as OperatorQuery);
  if (!widened.ok || query.op === "latent-attention") return widened;
  const ratio = ELEMENT_BYTES[query.type] / ELEMENT_BYTES[wide];
  const thin = query.op === "product" ? { k: query.k * ratio } : { inner: query.inner * ratio };
  const least = operators.price({ ...plain, type: wide, ...thin } as OperatorQuery);
  if (!least.ok) return least;
  const saved =
    (weightElements(query) * (ELEMENT_BYTES[wide] - ELEMENT_BYTES[query.type]) * NS_PER_S) / sheet.memory.bandwidthBytesPerSecond.value;
  const ns = Math.max(least.value.ns, widened.value.ns - saved);
  return ok({ ns, spread: widened.value.spread + WIDENING_SPREAD, basis: widened.value.basis });
}

/** Elements of weights an operator reads: every expert that may have a token. */
function weightElements(query: ProductQuery | ExpertQuery): number {
  if (query.op === "product") return query.n * query.k;
  const touched = Math.min(query.experts, query.tokens * query.active) / query.ranks.expert;
  return (touched * 3 * query.width * query.inner) / query.ranks.tensor;
}

import { err, ok, type Result } from "../../base/result.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../rack/peak-type.ts";
import type { NoOperatorBasis, OperatorModel } from "../operator/operator-model.ts";
import type { ExpertQuery, LatentAttentionQuery, OperatorQuery, ProductQuery, SparseAttentionQuery } from "../operator/operator-query.ts";
import { STORED_BYTES, storedBytes } from "../operator/stored-bytes.ts";
import type { Priced } from "../priced.ts";

/** Types a device without a peak for the weights' type computes in: the first it has. */
const WIDER: readonly PeakType[] = ["bf16", "f16", "f32"];
const NS_PER_S = 1e9;

/** Whose kernels unpack narrow weights: those that tables were measured with, or an engine's own, of which nothing was measured. */
export type UnpackingKernels = "measured" | "own";

export interface NarrowOptions {
  readonly kernels: UnpackingKernels;
  /** 4-bit whole numbers that share a scale in the checkpoint; absent: 128. */
  readonly weightGroup?: number | undefined;
}

/**
 * Operators whose weights are narrower than any type the device computes in (4-bit weights on devices without 4-bit arithmetic): weights are stored
 * narrow and unpacked to the first wider type there is. Queries the device can compute are passed on as they are.
 *
 * Model: measured kernels have prices of their own, an engine's own too where its operators know them. Other kernels of an engine are taken as good as
 * those of the wider type: its operator less the time the narrow weights save, but no less than one whose depth is cut to their bytes. Public tables of unpacking kernels are vLLM's.
 * Errors: `no-basis` where the device has no wider type either.
 */
export function narrowWeights(operators: OperatorModel, sheet: DeviceSheet, { kernels, weightGroup }: NarrowOptions): OperatorModel {
  const wide = WIDER.find((type) => sheet.peaks[type] !== undefined);
  return {
    source: operators.source,
    price(asked) {
      if (asked.op !== "product" && asked.op !== "experts" && !isLatent(asked)) return operators.price(asked);
      const query = isLatent(asked) || asked.type !== "i4" || weightGroup === undefined ? asked : { ...asked, weightGroup };
      if (sheet.peaks[query.type] !== undefined) return operators.price(query);
      const own = kernels === "own" && query.op === "experts" ? operators.price(query) : undefined;
      if (own?.ok) return own;
      if (wide === undefined) return err({ code: "no-basis", missing: `a peak of ${sheet.name} for ${query.type} or a wider type` });
      if (isLatent(query)) {
        const { blockScaled: _unused, ...plain } = query;
        return operators.price({ ...plain, type: wide });
      }
      const { blockScaled: _unused, ...plain } = query;
      return kernels === "measured"
        ? operators.price({ ...plain, type: wide, weightType: query.type })
        : ownKernel(operators, sheet, plain, wide);
    },
  };
}

function isLatent(query: OperatorQuery): query is LatentAttentionQuery | SparseAttentionQuery {
  return query.op === "latent-attention" || query.op === "sparse-attention";
}

function ownKernel(
  operators: OperatorModel,
  sheet: DeviceSheet,
  query: ProductQuery | ExpertQuery,
  wide: PeakType,
): Result<Priced, NoOperatorBasis> {
  const widened = operators.price({ ...query, type: wide });
  if (!widened.ok) return widened;
  const stored = storedBytes(query.type, query.weightGroup);
  const ratio = stored / STORED_BYTES[wide];
  const least = operators.price(
    query.op === "product" ? { ...query, type: wide, k: query.k * ratio } : { ...query, type: wide, inner: query.inner * ratio },
  );
  if (!least.ok) return least;
  const bytes = weightElements(query) * (STORED_BYTES[wide] - stored);
  const saved = (bytes * NS_PER_S) / sheet.memory.bandwidthBytesPerSecond.value;
  return ok({ ...widened.value, ns: Math.max(least.value.ns, widened.value.ns - saved) });
}

/** Elements of weights an operator reads. */
function weightElements(query: ProductQuery | ExpertQuery): number {
  if (query.op === "product") return query.n * query.k;
  const touched = Math.min(query.experts, query.tokens * query.active) / query.ranks.expert;
  return (touched * 3 * query.width * query.inner) / query.ranks.tensor;
}

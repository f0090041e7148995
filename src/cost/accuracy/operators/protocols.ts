import type { MeasuredCurve } from "../../operator/tables/measured-curves.ts";

/** What is left out of one family, together, before it is predicted from the rest. */
export interface HoldOut {
  /** In words, such as `whole (n, k) sites`. */
  readonly held: string;
  /** Added to the family in reports; empty for the protocol of the published figures. */
  readonly label: string;
  readonly folds: number;
  /** Group of a site; absent: the family's own. */
  readonly group?: (curve: MeasuredCurve) => string;
}

/** Folds of the main protocols, and of the harder ones beside them. */
const FOLDS = 10;
const OTHER_FOLDS = 5;

/** Words of a site's name, as the families write it. */
const word = (curve: MeasuredCurve, index: number): string => curve.site.split(" ")[index] ?? "";
const unseenHeads: HoldOut = { held: "whole (heads, kv heads, head dimension)", label: "", folds: FOLDS };
const unseenBatches: HoldOut = {
  held: "whole batch sizes",
  label: ", batch size not measured",
  folds: FOLDS,
  group: (curve) => word(curve, 2),
};
const unseenLatentHeads: HoldOut = {
  held: "whole head counts",
  label: ", head count not measured",
  folds: FOLDS,
  group: (curve) => word(curve, 0),
};

/** Protocols by family, the main one first. */
export const HOLD_OUTS: Readonly<Record<string, readonly HoldOut[]>> = {
  product: [
    { held: "whole (n, k) sites", label: "", folds: FOLDS },
    { held: "whole widths n", label: ", width not measured", folds: OTHER_FOLDS, group: (curve) => word(curve, 0) },
  ],
  "prefill-attention": [unseenHeads, unseenBatches],
  "decode-attention": [unseenHeads, unseenBatches],
  "latent-attention prefill": [{ held: "whole batch sizes", label: "", folds: FOLDS }, unseenLatentHeads],
  "latent-attention decode": [{ held: "whole batch sizes", label: "", folds: FOLDS }, unseenLatentHeads],
  experts: [
    { held: "whole models (width, inner, active, experts) at all tensor and expert degrees", label: "", folds: FOLDS },
    { held: "whole sites (model, tensor and expert degree)", label: ", degree not measured", folds: FOLDS, group: (curve) => curve.site },
  ],
};

import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import type { DataFolder } from "./data-folder.ts";

/** Kinds of prediction, in the order of the page. */
export const ACCURACY_PART_IDS = [
  "recorded-run",
  "sheet-run",
  "served-models",
  "operators",
  "tile-model",
  "transfer",
  "collectives",
  "dispatch",
  "transfers",
  "power",
  "claims",
] as const;

/** A kind of prediction that is held against measurements. */
export interface AccuracyPart {
  readonly id: (typeof ACCURACY_PART_IDS)[number];
  /** What is predicted, and how, in one sentence. */
  readonly title: string;
  /** Subfolder of the data that it needs. */
  readonly needs: string;
  /** Names of rows of `PUBLISHED_ACCURACY` that stand beside it. */
  readonly beside: readonly string[];
  rows(data: DataFolder): readonly AccuracyRow[] | Promise<readonly AccuracyRow[]>;
}

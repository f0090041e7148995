/** How well one kind of prediction met measurements that its fit never saw: one line of an accuracy table. Errors are ratios, never percentages. */
export interface AccuracyRow {
  /** Folder or name of the measurements, such as `aiconfigurator-ops`. */
  readonly dataSet: string;
  /** What was held out and how, in words, such as `whole (n, k) sites, 5 folds by hash`. */
  readonly protocol: string;
  /** Kind of prediction, such as `product bf16`, `all-reduce` or `ttft`. */
  readonly family: string;
  /** Device, node or fleet that was measured. */
  readonly device: string;
  /** Software that was measured, with its version. */
  readonly engine: string;
  /** Points that were predicted and measured. */
  readonly points: number;
  /** Points left out of `points`, by reason: rows that cannot be true, without basis, duplicates … */
  readonly excluded: Readonly<Record<string, number>>;
  /** Of |predicted / measured - 1|. Ratios. */
  readonly meanError: number;
  readonly medianError: number;
  readonly p90: number;
  /** Mean of predicted / measured - 1: below 0 where predictions are too fast. */
  readonly signedMean: number;
  /** Share of points inside their 90 % interval, and the median of its relative half-width; absent where no interval is given. */
  readonly coverage?: number;
  readonly medianHalfWidth?: number;
  /** Its points are those of other rows of the same protocol, taken together. */
  readonly total?: true;
  /** The best published figure for the same kind of prediction, with its source. */
  readonly published?: string;
}

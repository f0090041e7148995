import type { MeasuredTable } from "../../operator/measured-table.ts";
import type { OperatorModel } from "../../operator/operator-model.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";

/** A warm-up outlier is slower than this many times the next larger size. */
const WARM_UP = 2;

/**
 * Accuracy of a model on an nccl-tests table, none of which it was fitted on. Sizes that took more than twice as long as the next larger one are
 * warm-up: left out and counted.
 */
export function scoreNcclTests(table: MeasuredTable, model: OperatorModel, device: string): AccuracyRow {
  const pairs: PredictedMeasured[] = [];
  const excluded: Record<string, number> = {};
  table.rows.forEach(({ query, ns }, i) => {
    const next = table.rows[i + 1];
    const priced = model.price(query);
    const reason =
      next !== undefined && ns > WARM_UP * next.ns
        ? "warm-up: over twice the next larger size"
        : priced.ok
          ? undefined
          : priced.error.missing;
    if (reason !== undefined) excluded[reason] = (excluded[reason] ?? 0) + 1;
    else if (priced.ok) pairs.push({ predicted: priced.value.ns, measured: ns, spread: priced.value.spread });
  });
  return {
    dataSet: "nccl-tests",
    protocol: "none of the table was fitted on",
    family: "all-reduce",
    device,
    engine: model.source,
    excluded,
    ...errorFigures(pairs),
    published: "12.9 % geometric mean: constants of NCCL's tuner with two fitted to one number",
  };
}

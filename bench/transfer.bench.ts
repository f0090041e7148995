/** How well devices are predicted that no constant was fitted on: each left out in turn, from its data sheet alone and with a few microbenchmarks. */

import { measuredPhases, measuredSets } from "../scripts/measured-operators.ts";
import { quantile } from "../src/base/statistics.ts";
import type { AccuracyRow } from "../src/cost/accuracy/accuracy-row.ts";
import { phaseTransferAccuracy } from "../src/cost/accuracy/transfer/phase-transfer.ts";
import { transferAccuracy } from "../src/cost/accuracy/transfer/transfer-accuracy.ts";
import { EVALUATIONS, ROWS_PER_SLOT, TRANSFER_SLOTS } from "../src/cost/accuracy/transfer/transfer-slots.ts";
import type { Bench, BenchReport } from "./bench.ts";

/** Target of the median error of a kind of operator on a device, measured. */
const TARGET = 0.2;

export const bench: Bench = {
  name: "transfer",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const perSlot = Number(rest[0] ?? ROWS_PER_SLOT);
    note(`reading tables, ${perSlot} rows of a kind of operator and device`);
    const sets = await measuredSets(perSlot);
    const rows: AccuracyRow[] = [];
    for (const slot of TRANSFER_SLOTS) {
      note(slot);
      rows.push(...transferAccuracy(sets, { slots: [slot], evaluations: EVALUATIONS }));
    }
    rows.push(...phaseTransferAccuracy(measuredPhases()));
    const probed = rows.filter(({ protocol }) => protocol.includes("not counted"));
    const sheets = rows.filter((row) => !probed.includes(row));
    const median = (list: readonly AccuracyRow[]): number =>
      quantile(
        list.map((row) => row.medianError),
        0.5,
      );
    const met = probed.filter(({ medianError }) => medianError <= TARGET).length;
    return {
      setup: [
        `${sets.length} sets of measured operators (aiconfigurator-ops, llmservingsim-bench, vidur-profile; phases: helix-asplos25, splitwise-profile), at most ${perSlot} rows of a kind each`,
        ...rows.map(
          (row) =>
            `${row.family}, ${row.device}, ${row.dataSet}, ${probed.includes(row) ? "measured" : "sheet alone"}: ` +
            `median ${percent(row.medianError)}, mean ${percent(row.meanError)}, p90 ${percent(row.p90)}, signed ${percent(row.signedMean)} of ${row.points}`,
        ),
      ],
      figures: [
        { name: "median error of a kind on a device, sheet alone (median of kinds and devices)", value: median(sheets), unit: "ratio" },
        { name: "the same with at most 6 measurements a kind", value: median(probed), unit: "ratio", floor: { max: TARGET } },
        { name: `kinds and devices within ${TARGET}, of ${probed.length}`, value: met, unit: "" },
      ],
    };
  },
};

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

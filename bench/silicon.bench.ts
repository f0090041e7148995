/** Closed-loop times of served models against the public sample: `npm run bench -- silicon -- [folder]`. */
import { existsSync, readFileSync } from "node:fs";
import { HeddleError } from "../src/base/heddle-error.ts";
import type { AccuracyRow } from "../src/cost/accuracy/accuracy-row.ts";
import { readSilicon } from "../src/cost/accuracy/silicon/read-silicon.ts";
import { siliconAccuracy, siliconDecisions } from "../src/simulate/accuracy/silicon-accuracy.ts";
import { evaluateSilicon } from "../src/simulate/accuracy/silicon-evaluation.ts";
import type { Bench, Figure } from "./bench.ts";
import { cpuTimer } from "./cpu-time.ts";

const FOLDER = "../shared/data/aiconfigurator-silicon";

function line({ family, engine, device, points, meanError, medianError, p90, signedMean, coverage, medianHalfWidth }: AccuracyRow): string {
  const percent = (ratio: number | undefined): string => (ratio === undefined ? "-" : `${(100 * ratio).toFixed(1)} %`);
  const parts = [`mean ${percent(meanError)}`, `median ${percent(medianError)}`, `p90 ${percent(p90)}`, `signed ${percent(signedMean)}`];
  return `${family}, ${engine}, ${device}: ${points} points, ${parts.join(", ")}, inside ${percent(coverage)}, half-width ${percent(medianHalfWidth)}`;
}

export const bench: Bench = {
  name: "silicon",
  run({ note, rest }) {
    const path = `${rest[0] ?? FOLDER}/silicon_sample.csv`;
    if (!existsSync(path))
      return Promise.reject(new HeddleError("file-unreadable", { where: path, detail: "the public sample is not there" }));
    const cpu = cpuTimer();
    const { rows, duplicates } = readSilicon(readFileSync(path, "utf8"), path);
    const evaluation = evaluateSilicon(rows);
    const seconds = cpu();
    const tpot = siliconAccuracy(evaluation, "tpot");
    const ttft = siliconAccuracy(evaluation, "ttft");
    for (const row of [...tpot, ...ttft]) note(line(row));
    const { rankCorrelation, leastRankCorrelation, choices, meanRegret, worstRegret, kept } = siliconDecisions(evaluation);
    const left = Object.entries(evaluation.excluded).map(([reason, count]) => `${count} ${reason}`);
    const impossible = Object.entries(evaluation.excluded).reduce(
      (sum, [reason, count]) => sum + (reason.startsWith("impossible") ? count : 0),
      0,
    );
    const figures: Figure[] = [
      { name: "TPOT of unseen groups, mean error", value: tpot[0]!.meanError, unit: "ratio", floor: { max: 0.16 } },
      { name: "TPOT of unseen groups, median error", value: tpot[0]!.medianError, unit: "ratio" },
      { name: "TTFT of unseen groups, median error", value: ttft[0]!.medianError, unit: "ratio", floor: { max: 0.25 } },
      { name: "rank correlation of TPOT", value: rankCorrelation, unit: "", floor: { min: 0.95 } },
      { name: "least rank correlation of a system and engine", value: leastRankCorrelation, unit: "" },
      { name: "throughput lost by choosing by prediction, mean", value: meanRegret, unit: "ratio", floor: { max: 0.08 } },
      { name: "throughput lost by choosing by prediction, worst", value: worstRegret, unit: "ratio" },
      { name: "choices that keep their limit as measured", value: kept, unit: "ratio" },
      {
        name: "rows predicted of those that can be true",
        value: evaluation.points.length / (evaluation.aggregated - impossible),
        unit: "ratio",
        floor: { min: 0.95 },
      },
      { name: "CPU of the whole evaluation", value: seconds, unit: "s", floor: { max: 60 } },
    ];
    const setup = [
      `${rows.length} rows (${duplicates} duplicates dropped), ${evaluation.aggregated} aggregated; left out: ${left.join(", ") || "none"}`,
      `${choices} choices`,
    ];
    return Promise.resolve({ setup, figures });
  },
};

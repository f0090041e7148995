import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import { readSilicon } from "../../cost/accuracy/silicon/read-silicon.ts";
import { siliconAccuracy, siliconDecisions } from "../../simulate/accuracy/silicon-accuracy.ts";
import { evaluateDecodeSides } from "../../simulate/accuracy/silicon-disaggregated.ts";
import { evaluateSilicon } from "../../simulate/accuracy/silicon-evaluation.ts";
import type { AccuracyPart } from "./accuracy-part.ts";

const FOLDER = "aiconfigurator-silicon";

/** Served models in closed loops, whole groups of model, system and engine held out. */
export const SERVED_MODELS: AccuracyPart = {
  id: "served-models",
  title: "Served models in closed loops, from data sheets and constants of engines that saw nothing of their group",
  needs: FOLDER,
  beside: ["aic-silicon-third", "aic-silicon-user", "genz"],
  rows: (data) => {
    const file = `${FOLDER}/silicon_sample.csv`;
    const { rows } = readSilicon(data.text(file), file);
    const evaluation = evaluateSilicon(rows);
    const { rankCorrelation, regretRow } = siliconDecisions(evaluation);
    const sides = siliconAccuracy(evaluateDecodeSides(rows), "tpot").map((row) => ({
      ...row,
      family: row.family.replace("closed-loop tpot", "tpot of decode sides"),
    }));
    const [tpot, ttft] = [siliconAccuracy(evaluation, "tpot"), siliconAccuracy(evaluation, "ttft")];
    // Rows over all devices have the points of the rows of each; what the file does not state has rows of its own.
    const chosen = { ...regretRow, family: `${regretRow.family}; rank correlation of tpot ${rankCorrelation.toFixed(3)}` };
    return [...tpot, ...ttft, chosen, ...sides].map(
      (row): AccuracyRow => (row.device === "all" && !row.family.includes(",") ? { ...row, total: true } : row),
    );
  },
};

import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import { readSilicon } from "../../cost/accuracy/silicon/read-silicon.ts";
import { siliconAccuracy, siliconDecisions } from "../../simulate/accuracy/silicon-accuracy.ts";
import { evaluateDecodeSides } from "../../simulate/accuracy/silicon-disaggregated.ts";
import { evaluateSilicon } from "../../simulate/accuracy/silicon-evaluation.ts";
import type { AccuracyPart } from "./accuracy-part.ts";

const FOLDER = "aiconfigurator-silicon";

/** Measured closed loops of served models against runs of the simulator, whole groups of them held out of the engines' constants. */
export const SERVED_MODELS: AccuracyPart = {
  id: "served-models",
  title: "Closed loops of served models, from configurations, data sheets and constants of engines that saw no row of the group",
  needs: FOLDER,
  beside: ["aic-silicon-third", "aic-silicon-user", "blis-unfitted"],
  rows(data): readonly AccuracyRow[] {
    const { rows } = readSilicon(data.text(`${FOLDER}/silicon_sample.csv`));
    const aggregated = evaluateSilicon(rows);
    const sides = evaluateDecodeSides(rows);
    const { rankCorrelation, regretRow } = siliconDecisions(aggregated);
    const [tpot, ...others] = siliconAccuracy(aggregated, "tpot");
    const ranked = { ...tpot!, family: `${tpot!.family} (rank correlation ${rankCorrelation.toFixed(3)})` };
    const decode = siliconAccuracy(sides, "tpot").map((row) => ({
      ...row,
      family: row.family.replace("closed-loop", "decode side of disaggregated rows,"),
    }));
    return [ranked, ...others, ...siliconAccuracy(aggregated, "ttft"), regretRow, ...decode];
  },
};

import { splitwisePowerAccuracy } from "../../cost/accuracy/energy/splitwise-power.ts";
import type { AccuracyPart } from "./accuracy-part.ts";

/** Power of boards that serve. */
export const POWER: AccuracyPart = {
  id: "power",
  title: "Average power of boards that serve models they were not fitted on",
  needs: "splitwise-profile",
  beside: [],
  rows: (data) => splitwisePowerAccuracy(data.text("splitwise-profile/perf_model.csv")),
};

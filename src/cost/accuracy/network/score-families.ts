import { curveNs } from "../../network/collectives/collective-curve.ts";
import { fitCurve } from "../../network/collectives/fit-curve.ts";
import type { NetworkGeneration } from "../../network/collectives/network-figures.ts";
import { startCurve } from "../../network/collectives/start-curves.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";
import type { CollectiveSet } from "./collective-set.ts";

/** Relative half-width that `collectiveModel` states for a family it has no constants of. */
const OTHER_FAMILY_SPREAD = 0.7;
const GENERATIONS: readonly NetworkGeneration[] = ["ampere", "hopper", "blackwell"];

/** Accuracy on a generation of devices from its data-sheet rate and curves fitted on the other generations only. */
export function scoreFamilies(sets: readonly CollectiveSet[]): AccuracyRow[] {
  const graphs = sets.filter(({ launch }) => launch === "graph");
  return GENERATIONS.map((generation) => {
    const pairs: PredictedMeasured[] = [];
    for (const library of new Set(graphs.map((set) => set.library))) {
      for (const kind of new Set(graphs.filter((set) => set.library === library).map((set) => set.kind))) {
        const same = graphs.filter((set) => set.library === library && set.kind === kind);
        const others = same.filter((set) => set.generation !== generation);
        const inSwitch = generation !== "ampere";
        const curve = fitCurve(others, startCurve(library, kind, true)).filter((line) => line.ranksMin === 2 || inSwitch);
        for (const set of same.filter((own) => own.generation === generation)) {
          for (const sample of set.samples) {
            pairs.push({ predicted: curveNs(curve, set.linkRate, sample), measured: sample.ns, spread: OTHER_FAMILY_SPREAD });
          }
        }
      }
    }
    return {
      dataSet: "aiconfigurator-ops",
      protocol: "a whole generation held out: its data-sheet rate, constants of the others",
      family: "collectives",
      device: generation,
      engine: "all libraries, graphs",
      excluded: {},
      ...errorFigures(pairs),
    };
  });
}

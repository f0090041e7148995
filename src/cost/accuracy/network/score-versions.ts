import { collectiveModel } from "../../network/collectives/collective-model.ts";
import { FITTED_CURVES } from "../../network/collectives/fitted-curves.ts";
import type { CollectiveLibrary } from "../../network/collectives/network-figures.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";
import type { CollectiveSet } from "./collective-set.ts";

/** Devices in a node of the tables. */
const PER_NODE = 8;

/** Accuracy of `collectiveModel`, whose curves are fitted on one version of each library and generation, on the other versions in the tables. */
export function scoreVersions(sets: readonly CollectiveSet[]): AccuracyRow[] {
  const byLibrary = new Map<CollectiveLibrary, PredictedMeasured[]>();
  for (const set of sets) {
    if (set.launch !== "graph" || set.version === FITTED_CURVES[set.library][set.generation][set.kind]?.version) continue;
    const model = collectiveModel({
      name: set.system,
      generation: set.generation,
      scaleUp: { bytesPerSecond: set.linkRate * 1e9, devices: PER_NODE, reducesInSwitch: set.generation !== "ampere" },
      library: set.library,
      libraryVersion: set.version,
    });
    const pairs = byLibrary.get(set.library) ?? [];
    byLibrary.set(set.library, pairs);
    for (const { kind, bytes, ranks, ns } of set.samples) {
      const priced = model.price({ op: "collective", kind, bytes, ranks, ranksPerNode: ranks });
      if (priced.ok) pairs.push({ predicted: priced.value.ns, measured: ns, spread: priced.value.spread });
    }
  }
  return [...byLibrary].map(([library, pairs]) => ({
    dataSet: "aiconfigurator-ops",
    protocol: "other versions of the library than the curves are fitted on",
    family: "collectives",
    device: "A100, H100, H200, B200",
    engine: library,
    excluded: {},
    ...errorFigures(pairs),
  }));
}

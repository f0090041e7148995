import type { Bytes } from "../../base/units.ts";
import type { LinkId } from "../../engine/dataflow/dataflow-types.ts";
import { historyOf, predictUnitNs } from "../../engine/dataflow/histories.ts";
import type { Learned } from "../../engine/dataflow/learned-state.ts";
import { predictTransferNs } from "../../engine/dataflow/link-model.ts";
import type { DataflowTruth } from "./dataflow-truth.ts";

/** Everything takes what the models say. */
export function predictedTruth({ histories, links }: Learned): DataflowTruth {
  return {
    runNs: ({ stage, variant, device, work, footprint, others }) => {
      const history = historyOf(histories, { operator: stage.operator, variant, footprint });
      return Math.ceil(predictUnitNs(histories, history, { device, priorNs: stage.variants[variant]!.priorNs, others }) * work);
    },
    transferNs: (link: LinkId, bytes: Bytes) => Math.ceil(predictTransferNs(links[link]!, bytes)),
    loadNs: (stage, variant, first) => stage.variants[variant]!.loadNs + (first ? stage.variants[variant]!.compileNs : 0),
  };
}

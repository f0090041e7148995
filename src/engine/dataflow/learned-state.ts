import type { Bouts } from "./bout-state.ts";
import type { DataflowConfig } from "./dataflow-config.ts";
import { createDataflowState, type DataflowState } from "./dataflow-state.ts";
import { createHistories } from "./histories.ts";
import { createLinkModel } from "./link-model.ts";

/** What an engine has measured: of runs and of links; and of work that comes again, without which it begins to compare ways anew. */
export type Learned = Pick<DataflowState, "histories" | "links"> & { readonly bouts?: Bouts };

/** What an engine's state has learned: a copy. */
export function learnedFrom({ histories, links, bouts }: DataflowState): Learned {
  return structuredClone({ histories, links, bouts: { known: bouts.known, current: undefined } });
}

/** The state of an engine at its start, with what another one on the same rack has learned. */
export function startingState(config: DataflowConfig, learned?: Learned): DataflowState {
  const { rack } = config;
  const histories = learned === undefined ? createHistories(rack) : structuredClone(learned.histories);
  const links = learned === undefined ? rack.links.map(createLinkModel) : structuredClone(learned.links);
  const state = createDataflowState(config, links, histories);
  return learned?.bouts === undefined ? state : { ...state, bouts: structuredClone(learned.bouts) };
}

import type { DataflowConfig } from "./dataflow-config.ts";
import { createDataflowState, type DataflowState } from "./dataflow-state.ts";
import { createHistories } from "./histories.ts";
import { createLinkModel } from "./link-model.ts";

/** What an engine has measured: of runs and of links. */
export type Learned = Pick<DataflowState, "histories" | "links">;

/** The state of an engine at its start, with what another one on the same rack has learned. */
export function startingState(config: DataflowConfig, learned?: Learned): DataflowState {
  const { rack } = config;
  const histories = learned === undefined ? createHistories(rack) : structuredClone(learned.histories);
  const links = learned === undefined ? rack.links.map(createLinkModel) : structuredClone(learned.links);
  return createDataflowState(config, links, histories);
}

import type { Topology } from "../../rack/topology/topology.ts";
import type { FlowLink } from "./flow-types.ts";

/** The links of a topology for `createFlowNetwork`, by the same ids as its paths name. */
export function topologyLinks({ bytesPerSecond }: Topology): FlowLink[] {
  return Array.from(bytesPerSecond, (rate) => ({ bytesPerSecond: rate }));
}

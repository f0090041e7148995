import { mean } from "../../base/statistics.ts";
import type { DispatchTime } from "../import/aiconfigurator/read-deepep-table.ts";
import { measuredNs, queryOf } from "./dispatch-fit.ts";
import { remoteUnits, tokenBytes } from "./dispatch-traffic.ts";

/**
 * Rate at which the slowest device's card moves a large dispatch: bytes that leave a node for others over the time of the largest dispatch of each of `runs`,
 * whose latency and cores are lost in it. Errors: undefined where there is none over nodes.
 *
 * Units: bytes/s.
 */
export function measuredCardRate(runs: readonly (readonly DispatchTime[])[]): number | undefined {
  const rates = runs.flatMap((rows) => {
    const largest = rows.filter(({ nodes }) => nodes > 1).sort((a, b) => b.tokens - a.tokens)[0];
    return largest === undefined ? [] : [rateOf(largest)];
  });
  return rates.length === 0 ? undefined : mean(rates);
}

function rateOf(largest: DispatchTime): number {
  const query = queryOf(largest, "dispatch");
  const crossing = largest.tokens * remoteUnits(query, largest.nodes) * tokenBytes(largest.width, 8);
  return (crossing / measuredNs(largest, "dispatch")) * 1e9;
}

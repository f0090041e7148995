import { err, ok, type Result } from "../../../base/result.ts";
import type { NoOperatorBasis, OperatorModel } from "../../operator/operator-model.ts";
import type { CollectiveQuery, OperatorQuery, PointToPointQuery } from "../../operator/operator-query.ts";
import type { Priced } from "../../priced.ts";
import { ncclChoice } from "./nccl-cost.ts";
import type { NetworkFigures } from "./network-figures.ts";

/** Relative half-width of the 90 % interval where nothing of the system was measured. */
const UNMEASURED_SPREAD = 0.5;
/** Time to post and to see the end of a message between two devices. Units: ns. */
const POINT_TO_POINT_LATENCY = { inside: 8000, across: 14000 } as const;

/**
 * Prices collectives and messages of a system from figures of its links.
 *
 * Errors: `no-basis` for a group larger than the domain where there is no network figure, for sizes that are not positive, and for other operators.
 */
export function collectiveModel(figures: NetworkFigures): OperatorModel {
  return {
    source: `links of ${figures.name}, ${figures.library}`,
    price(query: OperatorQuery): Result<Priced, NoOperatorBasis> {
      if (query.op === "collective") return priceCollective(figures, query);
      if (query.op === "point-to-point") return pricePointToPoint(figures, query);
      return err({ code: "no-basis", missing: `${query.op} is not a collective` });
    },
  };
}

function priceCollective(figures: NetworkFigures, query: CollectiveQuery): Result<Priced, NoOperatorBasis> {
  const problem = collectiveProblem(figures, query);
  if (problem !== undefined) return err({ code: "no-basis", missing: problem });
  if (query.ranks === 1 || query.bytes === 0) return ok({ ns: 0, spread: 0, basis: "data-sheet" });
  return ok({ ns: ncclChoice(figures, query).ns, spread: UNMEASURED_SPREAD, basis: "data-sheet" });
}

/** What of a query the figures do not cover; undefined where they do. */
export function collectiveProblem(figures: NetworkFigures, { bytes, ranks, ranksPerNode }: CollectiveQuery): string | undefined {
  if (!(Number.isInteger(ranks) && ranks >= 1)) return `a collective of ${ranks} ranks`;
  if (!(bytes >= 0 && bytes < Number.POSITIVE_INFINITY)) return `a collective of ${bytes} bytes`;
  if (!(Number.isInteger(ranksPerNode) && ranksPerNode >= 1 && ranks % ranksPerNode === 0))
    return `${ranks} ranks, ${ranksPerNode} in each node`;
  if (ranksPerNode > figures.scaleUp.devices)
    return `${ranksPerNode} ranks in a domain of ${figures.scaleUp.devices} devices (${figures.name})`;
  if (ranks > ranksPerNode && figures.scaleOut === undefined) return `the network between nodes of ${figures.name}`;
  return undefined;
}

function pricePointToPoint(figures: NetworkFigures, { bytes, sameNode }: PointToPointQuery): Result<Priced, NoOperatorBasis> {
  if (!(bytes >= 0 && bytes < Number.POSITIVE_INFINITY)) return err({ code: "no-basis", missing: `a message of ${bytes} bytes` });
  if (!sameNode && figures.scaleOut === undefined)
    return err({ code: "no-basis", missing: `the network between nodes of ${figures.name}` });
  const rate = sameNode ? figures.scaleUp.bytesPerSecond * 0.82 : figures.scaleOut!.bytesPerSecond * 0.94;
  const latency = sameNode ? POINT_TO_POINT_LATENCY.inside : Math.max(POINT_TO_POINT_LATENCY.across, figures.scaleOut!.latencyNs ?? 0);
  return ok({ ns: latency + (bytes / rate) * 1e9, spread: UNMEASURED_SPREAD, basis: "data-sheet" });
}

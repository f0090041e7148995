import { err, ok, type Result } from "../../base/result.ts";
import type { NoOperatorBasis } from "../operator/operator-model.ts";
import type { DispatchQuery } from "../operator/operator-query.ts";
import type { Priced } from "../priced.ts";
import { generationOf } from "./collectives/nccl-cost.ts";
import type { NetworkFigures } from "./collectives/network-figures.ts";
import { crossingDispatchNs, localDispatchNs } from "./dispatch-model.ts";
import { CROSSING_DISPATCH, LOCAL_DISPATCH } from "./fitted-dispatch.ts";

/** Prices the exchange of a mixture's tokens as DeepEP does it. */
export interface DispatchPricer {
  readonly source: string;
  price(query: DispatchQuery): Result<Priced, NoOperatorBasis>;
}

/**
 * Relative half-widths of 90 % intervals: inside a node of a measured generation; between nodes; normal mode over more than 4 nodes of a network that was not
 * measured, because of two that are public one moves what its cards can (DeepEP's own, 8 nodes) and one a third of it (AIConfigurator's); where the
 * generation was not measured. Source: errors on held-out shapes and nodes, `npm run bench -- network`.
 */
const SPREAD = { local: 0.17, crossing: 0.2, manyNodes: 2, otherGeneration: 0.7 } as const;
const NODES_MEASURED = 4;

/**
 * DeepEP's dispatch and combine from the rates of a system's links: distinct ranks and nodes a token goes to, cores that copy, cards between nodes.
 *
 * Errors: `no-basis` for sizes that are no whole groups, and for more nodes than one where there is no network figure.
 * Source: constants of `fitted-dispatch.ts`; formulas in `dispatch-model.ts`.
 */
export function dispatchPricer(figures: NetworkFigures): DispatchPricer {
  return {
    source: `DeepEP over links of ${figures.name}`,
    price(query) {
      const problem = problemOf(figures, query);
      if (problem !== undefined) return err({ code: "no-basis", missing: problem });
      if (query.ranks === 1 || query.tokens === 0) return ok({ ns: 0, spread: 0, basis: "data-sheet" });
      return ok(priceDispatch(figures, query));
    },
  };
}

function priceDispatch(figures: NetworkFigures, query: DispatchQuery): Priced {
  const blackwell = generationOf(figures) === "blackwell";
  const local = LOCAL_DISPATCH[blackwell ? "blackwell" : "hopper"][query.mode][query.direction];
  const measured = figures.generation === "hopper" || figures.generation === "blackwell";
  const cardMeasured = figures.scaleOut?.measured === true;
  const rates = { link: figures.scaleUp.bytesPerSecond / 1e9, card: (figures.scaleOut?.bytesPerSecond ?? 0) / 1e9, cardMeasured };
  const nodes = query.ranks / query.ranksPerNode;
  if (nodes === 1) {
    const spread = measured ? SPREAD.local : SPREAD.otherGeneration;
    return { ns: localDispatchNs(local, rates, query), spread, basis: measured ? "interpolated" : "data-sheet" };
  }
  const ns = crossingDispatchNs(local, CROSSING_DISPATCH[query.mode][query.direction], rates, query);
  if (!measured) return { ns, spread: SPREAD.otherGeneration, basis: "data-sheet" };
  const near = nodes <= NODES_MEASURED;
  const spread = near || cardMeasured || query.mode === "low-latency" ? SPREAD.crossing : SPREAD.manyNodes;
  return { ns, spread, basis: near ? "interpolated" : "extrapolated" };
}

function problemOf(
  figures: NetworkFigures,
  { tokens, width, active, experts, gate, ranks, ranksPerNode, cores }: DispatchQuery,
): string | undefined {
  const whole = [width, active, experts, ranks, ranksPerNode, cores ?? 1].every((size) => Number.isInteger(size) && size >= 1);
  if (!whole || !(tokens >= 0 && tokens < Number.POSITIVE_INFINITY)) return "a dispatch of whole, positive sizes";
  if (active > experts) return `${active} of ${experts} experts a token`;
  if (gate !== undefined) {
    const { groups, chosen } = gate;
    if (!(Number.isInteger(groups) && Number.isInteger(chosen) && chosen >= 1 && chosen <= groups) || experts % groups !== 0)
      return `${chosen} of ${groups} groups of ${experts} experts`;
    if (active > (chosen * experts) / groups) return `${active} experts of ${chosen} groups of ${experts / groups}`;
  }
  if (experts % ranks !== 0) return `${experts} experts on ${ranks} ranks`;
  if (ranks % ranksPerNode !== 0) return `${ranks} ranks, ${ranksPerNode} in each node`;
  if (ranksPerNode > figures.scaleUp.devices)
    return `${ranksPerNode} ranks in a domain of ${figures.scaleUp.devices} devices (${figures.name})`;
  if (ranks > ranksPerNode && figures.scaleOut === undefined) return `the network between nodes of ${figures.name}`;
  return undefined;
}

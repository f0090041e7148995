import { err, ok, type Result } from "../../../base/result.ts";
import type { Basis } from "../../estimate.ts";
import type { NoOperatorBasis, OperatorModel } from "../../operator/operator-model.ts";
import type { CollectiveQuery, OperatorQuery } from "../../operator/operator-query.ts";
import type { Priced } from "../../priced.ts";
import { dispatchPricer } from "../all-to-all.ts";
import { pricePointToPoint } from "../point-to-point.ts";
import { type CollectiveCurve, curveNs } from "./collective-curve.ts";
import { collectiveProblem } from "./collective-problem.ts";
import { FITTED_CURVES } from "./fitted-curves.ts";
import { generationOf, ncclChoice } from "./nccl-cost.ts";
import type { NetworkFigures } from "./network-figures.ts";

/** Most ranks of a node in the tables the curves were fitted on. */
const FITTED_RANKS = 8;
/**
 * Relative half-widths of 90 % intervals. A node of a measured family: its p90 error is 10 to 20 %. More ranks, or a family that was not
 * measured (leave one family out: mean 21 to 46 %), or the constants of NCCL's tuner alone.
 */
const SPREAD = { family: 0.2, moreRanks: 0.4, otherFamily: 0.7, tuner: 0.5 } as const;

/**
 * Prices collectives, messages and the exchanges of mixtures of a system from figures of its links: constants of its family inside a node, those of NCCL's tuner between nodes,
 * over PCIe and for broadcast.
 *
 * Errors: `no-basis` for a group larger than the domain where there is no network figure, for sizes that are not whole groups, for other operators.
 */
export function collectiveModel(figures: NetworkFigures): OperatorModel {
  const dispatch = dispatchPricer(figures);
  return {
    source: `links of ${figures.name}, ${figures.library}`,
    price(query: OperatorQuery): Result<Priced, NoOperatorBasis> {
      if (query.op === "point-to-point") return pricePointToPoint(figures, query);
      if (query.op === "dispatch") return dispatch.price(query);
      if (query.op !== "collective") return err({ code: "no-basis", missing: `${query.op} is not a collective` });
      const problem = collectiveProblem(figures, query);
      if (problem !== undefined) return err({ code: "no-basis", missing: problem });
      if (query.ranks === 1 || query.bytes === 0) return ok({ ns: 0, spread: 0, basis: "data-sheet" });
      return ok(priceCollective(figures, query));
    },
  };
}

function priceCollective(figures: NetworkFigures, query: CollectiveQuery): Priced {
  const curve = query.ranks === query.ranksPerNode ? familyCurve(figures, query) : undefined;
  if (curve === undefined) return { ns: ncclChoice(figures, query).ns, spread: SPREAD.tuner, basis: "data-sheet" };
  const ns = curveNs(curve, figures.scaleUp.bytesPerSecond / 1e9, query);
  return { ns, ...basisOf(figures, query) };
}

/** The measured curve of the family: lines the system has not (adding in the switch) left out; none over PCIe and for broadcast. */
function familyCurve(figures: NetworkFigures, { kind }: CollectiveQuery): CollectiveCurve | undefined {
  if (figures.scaleUp.throughHost === true) return undefined;
  const generation = generationOf(figures);
  const fitted = FITTED_CURVES[figures.library][generation][kind] ?? FITTED_CURVES.nccl[generation][kind];
  return fitted?.lines.filter((line) => line.ranksMin === 2 || figures.scaleUp.reducesInSwitch);
}

function basisOf(figures: NetworkFigures, { ranks }: CollectiveQuery): { readonly spread: number; readonly basis: Basis } {
  if (figures.generation === undefined) return { spread: SPREAD.otherFamily, basis: "data-sheet" };
  return ranks > FITTED_RANKS ? { spread: SPREAD.moreRanks, basis: "extrapolated" } : { spread: SPREAD.family, basis: "interpolated" };
}

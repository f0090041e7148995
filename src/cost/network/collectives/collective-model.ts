import { err, ok, type Result } from "../../../base/result.ts";
import type { NoOperatorBasis, OperatorModel } from "../../operator/operator-model.ts";
import type { CollectiveQuery, OperatorQuery } from "../../operator/operator-query.ts";
import type { Priced } from "../../priced.ts";
import { dispatchPricer } from "../all-to-all.ts";
import { pricePointToPoint } from "../point-to-point.ts";
import { curveNs } from "./collective-curve.ts";
import { collectiveProblem } from "./collective-problem.ts";
import { type LibraryCurve, libraryCurve } from "./library-curve.ts";
import { generationOf, ncclChoice } from "./nccl-cost.ts";
import type { NetworkFigures } from "./network-figures.ts";

/** Most ranks of a node in the tables the curves were fitted on. */
const FITTED_RANKS = 8;
/**
 * Relative half-widths of 90 % intervals beyond what was measured: more ranks; a family that was not measured (one left out: mean 15 to 36 %); the constants
 * of NCCL's tuner alone. Source: `npm run bench -- network`.
 */
const SPREAD = { moreRanks: 0.4, otherFamily: 0.7, tuner: 0.5 } as const;

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
  const ns = curveNs(curve.lines, figures.scaleUp.bytesPerSecond / 1e9, query);
  if (figures.generation === undefined) return { ns, spread: SPREAD.otherFamily, basis: "data-sheet" };
  const inside = query.ranks <= FITTED_RANKS;
  return { ns, spread: inside ? curve.spread : Math.max(SPREAD.moreRanks, curve.spread), basis: inside ? "interpolated" : "extrapolated" };
}

/** The measured curve of the family: lines the system has not (adding in the switch) left out; none over PCIe and for broadcast. */
function familyCurve(figures: NetworkFigures, { kind }: CollectiveQuery): LibraryCurve | undefined {
  if (figures.scaleUp.throughHost === true) return undefined;
  const curve = libraryCurve(figures, generationOf(figures), kind);
  const lines = curve?.lines.filter((line) => line.ranksMin === 2 || figures.scaleUp.reducesInSwitch);
  return curve === undefined || lines === undefined ? undefined : { ...curve, lines };
}

import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import { computeClaims } from "../../simulate/claims/compute-claims.ts";
import { PUBLISHED_CLAIMS } from "../../simulate/claims/published-claims.ts";
import type { AccuracyPart } from "./accuracy-part.ts";

/** Published figures of large systems, computed. Needs no data: the claims are in the program. */
export const CLAIMS: AccuracyPart = {
  id: "claims",
  title: "Published figures of large systems, with tolerances that were fixed before the code that computes them",
  needs: "",
  beside: ["simai-step", "mlsysim-step", "frontier"],
  rows: () => {
    const computed = computeClaims();
    return PUBLISHED_CLAIMS.map((claim): AccuracyRow => {
      const own = computed.find(({ id }) => id === claim.id);
      const figure = own === undefined ? "" : `, computed ${Number(own.computed.toPrecision(4))}`;
      const judged = own === undefined ? "not computed" : own.inside ? "within" : "beyond";
      return {
        dataSet: "published-claims",
        protocol: "nothing is fitted to the figures; rows say whether they lie within the tolerance",
        family: `${claim.id}: ${claim.value} ${claim.unit}${figure}; ${judged} ${Math.round(claim.tolerance * 100)} %`,
        device: deviceOf(claim.statement),
        engine: claim.source.split(",")[0]!,
        points: own === undefined ? 0 : 1,
        excluded: own === undefined ? { [`${claim.id} (no model of it)`]: 1 } : {},
        meanError: Math.abs(own?.deviation ?? 0),
        medianError: Math.abs(own?.deviation ?? 0),
        p90: Math.abs(own?.deviation ?? 0),
        signedMean: own?.deviation ?? 0,
      };
    });
  },
};

function deviceOf(statement: string): string {
  return /\b(H800|H100|A100)\b/.exec(statement)?.[1] ?? "expert ranks";
}

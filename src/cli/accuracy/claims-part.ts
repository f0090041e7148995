import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import { type ComputedClaim, computeClaims } from "../../simulate/claims/compute-claims.ts";
import { computeEpdClaims } from "../../simulate/claims/compute-epd-claims.ts";
import { computeLoraClaims } from "../../simulate/claims/compute-lora-claims.ts";
import { computeSplitFfnClaims } from "../../simulate/claims/compute-split-ffn.ts";
import { EPD_CLAIMS } from "../../simulate/claims/epd-claims.ts";
import { LORA_CLAIMS } from "../../simulate/claims/lora-claims.ts";
import { PUBLISHED_CLAIMS, type PublishedClaim } from "../../simulate/claims/published-claims.ts";
import { SPLIT_FFN_CLAIMS } from "../../simulate/claims/split-ffn-claims.ts";
import type { AccuracyPart } from "./accuracy-part.ts";

const PROTOCOL = "nothing is fitted to the figures; rows say whether they lie within the tolerance";

/** Published figures of large systems, of adapters, of images and of feed-forwards apart, computed. Needs no data: the claims are in the program. */
export const CLAIMS: AccuracyPart = {
  id: "claims",
  title: "Published figures of large systems, with tolerances that were fixed before the code that computes them",
  needs: "",
  beside: ["simai-step", "mlsysim-step", "frontier"],
  rows: () => [
    ...claimRows(PUBLISHED_CLAIMS, computeClaims(), PROTOCOL),
    ...claimRows(LORA_CLAIMS, computeLoraClaims(), `adapters (LoRA): ${PROTOCOL}`),
    ...claimRows(EPD_CLAIMS, computeEpdClaims(), `images, encoders apart: ${PROTOCOL}`),
    ...claimRows(SPLIT_FFN_CLAIMS, computeSplitFfnClaims(), `attention and feed-forwards apart: ${PROTOCOL}`),
  ],
};

/** What was published beside what is computed, a row each; what must be met exactly is shown exactly. */
export function claimRows(claims: readonly PublishedClaim[], computed: readonly ComputedClaim[], protocol: string): readonly AccuracyRow[] {
  return claims.map((claim): AccuracyRow => {
    const own = computed.find(({ id }) => id === claim.id);
    const figure = own === undefined ? "" : `, computed ${figureText(claim, own.computed)}`;
    const judged = own === undefined ? "not computed" : own.inside ? "within" : "beyond";
    return {
      dataSet: "published-claims",
      protocol,
      family: `${claim.id}: ${claim.tolerance === 0 ? claim.value : Number(claim.value.toPrecision(6))} ${claim.unit}${figure}; ${judged} ${Math.round(claim.tolerance * 100)} %`,
      device: deviceOf(claim),
      engine: claim.source.split(/[,:]/)[0]!,
      points: own === undefined ? 0 : 1,
      excluded: own === undefined ? { [`${claim.id} (no model of it)`]: 1 } : {},
      meanError: Math.abs(own?.deviation ?? 0),
      medianError: Math.abs(own?.deviation ?? 0),
      p90: Math.abs(own?.deviation ?? 0),
      signedMean: own?.deviation ?? 0,
    };
  });
}

function figureText({ tolerance }: PublishedClaim, computed: number): string {
  return String(tolerance === 0 ? computed : Number(computed.toPrecision(4)));
}

function deviceOf({ statement, unit }: PublishedClaim): string {
  return /\b(H800|H100|H20|A100)\b/.exec(statement)?.[1] ?? (unit === "parameters" || unit === "tokens" ? "any" : "expert ranks");
}

import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import type { AccuracyDocument } from "./accuracy-document.ts";

/** How much worse a figure may get before it counts: errors of single statistics wander with what is drawn. Ratios. */
const MEDIAN_SLACK = 0.01;
const P90_SLACK = 0.03;

/** What a new document has lost against a stored one, a line each: rows that are gone, points that are no longer predicted, errors that grew. */
export function accuracyRegressions(stored: AccuracyDocument, fresh: AccuracyDocument): string[] {
  return stored.parts.flatMap((part) => {
    const now = fresh.parts.find(({ id }) => id === part.id);
    // A part that was not asked for is not compared.
    if (now === undefined) return [];
    const rows = new Map(now.rows.map((row) => [keyOf(row), row]));
    return part.rows.flatMap((was) => {
      const is = rows.get(keyOf(was));
      const name = `${part.id}, ${was.family} on ${was.device} (${was.engine})`;
      if (is === undefined) return [`${name}: is gone`];
      return [
        ...(is.points < was.points ? [`${name}: ${is.points} points predicted, were ${was.points}`] : []),
        ...(is.medianError > was.medianError + MEDIAN_SLACK
          ? [`${name}: median error ${percent(is.medianError)}, was ${percent(was.medianError)}`]
          : []),
        ...(is.p90 > was.p90 + P90_SLACK ? [`${name}: p90 ${percent(is.p90)}, was ${percent(was.p90)}`] : []),
      ];
    });
  });
}

/** Claims carry their figures in their names: what stands before the first colon names them. */
function keyOf({ dataSet, protocol, family, device, engine }: AccuracyRow): string {
  return [dataSet, protocol, dataSet === "published-claims" ? family.split(":")[0] : family, device, engine].join("|");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

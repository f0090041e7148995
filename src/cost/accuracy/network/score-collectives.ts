import { log2 } from "../../../base/math.ts";
import { residualReader } from "../../network/collectives/curve-residuals.ts";
import { type CurveSample, fitCurve } from "../../network/collectives/fit-curve.ts";
import { readingSpread } from "../../network/collectives/reading-spread.ts";
import { startCurve } from "../../network/collectives/start-curves.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";
import type { CollectiveSet } from "./collective-set.ts";

/** What is left out of a fit: every second size, each number of ranks in turn, or both at once. */
export type HeldOut = "sizes" | "ranks" | "sizes and ranks";

export const HELD_OUT: readonly HeldOut[] = ["sizes", "ranks", "sizes and ranks"];

const PROTOCOLS: Readonly<Record<HeldOut, string>> = {
  sizes: "every second octave of message sizes held out, of all ranks; both halves in turn",
  ranks: "each number of ranks held out in turn, at all sizes",
  "sizes and ranks": "each number of ranks and every second octave held out together; scored where both are unseen",
};

/** Errors of one set: predictions of points that neither the curve nor its correction has seen. */
export function heldOutPairs(set: CollectiveSet, heldOut: HeldOut): PredictedMeasured[] {
  const odd = ({ bytes }: CurveSample): boolean => Math.round(log2(bytes)) % 2 === 1;
  if (heldOut === "sizes") {
    return [true, false].flatMap((half) =>
      pairsOf(
        set,
        (sample) => odd(sample) === half,
        (sample) => odd(sample) !== half,
      ),
    );
  }
  const counts = [...new Set(set.samples.map(({ ranks }) => ranks))];
  if (counts.length < 2) return [];
  return counts.flatMap((out) =>
    heldOut === "ranks"
      ? pairsOf(
          set,
          ({ ranks }) => ranks !== out,
          ({ ranks }) => ranks === out,
        )
      : pairsOf(
          set,
          (sample) => sample.ranks !== out && !odd(sample),
          (sample) => sample.ranks === out && odd(sample),
        ),
  );
}

function pairsOf(
  set: CollectiveSet,
  trained: (sample: CurveSample) => boolean,
  scored: (sample: CurveSample) => boolean,
): PredictedMeasured[] {
  const samples = set.samples.filter(trained);
  const { linkRate } = set;
  const curve = fitCurve([{ samples, linkRate }], startCurve(set.library, set.kind, set.generation !== "ampere"));
  const read = residualReader(samples, curve, linkRate);
  return set.samples.filter(scored).map((sample) => {
    const { ns, place } = read(sample);
    return { predicted: ns, measured: sample.ns, spread: readingSpread(place).spread };
  });
}

/** Accuracy of `tableCollectives` on a set of tables, by library and collective and over all. `dataSet` names the tables. */
export function scoreCollectives(
  sets: readonly CollectiveSet[],
  heldOut: HeldOut,
  excluded: Readonly<Record<string, number>>,
): AccuracyRow[] {
  const byFamily = new Map<string, { readonly first: CollectiveSet; readonly pairs: PredictedMeasured[] }>();
  const all: PredictedMeasured[] = [];
  for (const set of sets) {
    const key = `${set.library} ${set.kind} ${set.launch}`;
    const family = byFamily.get(key) ?? { first: set, pairs: [] };
    byFamily.set(key, family);
    const pairs = heldOutPairs(set, heldOut);
    family.pairs.push(...pairs);
    if (set.launch === "graph") all.push(...pairs);
  }
  const row = (family: string, engine: string, pairs: readonly PredictedMeasured[]): AccuracyRow => ({
    dataSet: "aiconfigurator-ops",
    protocol: PROTOCOLS[heldOut],
    family,
    device: "A100, H100, H200, B200",
    engine,
    excluded,
    ...errorFigures(pairs),
  });
  const rows = [...byFamily.values()].map(({ first, pairs }) =>
    row(`${first.kind}${first.launch === "eager" ? " eager" : ""}`, first.library, pairs),
  );
  return [...rows, row("collectives", "all libraries, graphs", all)];
}

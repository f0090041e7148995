import { exp, ln, log2 } from "../../../base/math.ts";
import { type CollectiveCurve, type CurvePoint, curveNs } from "./collective-curve.ts";
import type { CurveSample } from "./fit-curve.ts";

/** Where a reading lies among the samples, and how far these are apart in ln(measured / curve). */
export type ReadingPlace =
  | { readonly at: "sample" }
  /** Between two sizes of a measured number of ranks: `apart` of the two neighbours, `range` of the two on each side. */
  | { readonly at: "between-sizes"; readonly apart: number; readonly range: number }
  /** Ranks between two measured numbers of them (`inside`) or beyond; octaves to the nearest; `apart` of the two nearest. */
  | { readonly at: "other-ranks"; readonly inside: boolean; readonly octaves: number; readonly apart: number }
  /** A size below or above all that were measured. Octaves to the nearest. */
  | { readonly at: "beyond-sizes"; readonly octaves: number };

export interface CurveReading {
  readonly ns: number;
  readonly place: ReadingPlace;
}

interface Row {
  readonly ranks: number;
  readonly lnBytes: Float64Array;
  /** ln(measured / curve). */
  readonly off: Float64Array;
}

/** Share of the trend between the two nearest numbers of ranks that goes on beyond them. Source: least error on numbers of ranks left out. */
const TREND = 0.25;

/**
 * Reads between samples: a fitted curve, corrected by what the samples around are off it: linear in ln bytes, then in log2 ranks.
 *
 * Why: the curve knows how algorithms grow with ranks and bytes, the samples know their true constants; either alone is worse.
 */
export function residualReader(
  samples: readonly CurveSample[],
  curve: CollectiveCurve,
  linkRate: number,
): (point: CurvePoint) => CurveReading {
  const rows = rowsOf(samples, curve, linkRate);
  return (point) => {
    const { off, place } = correction(rows, point);
    return { ns: curveNs(curve, linkRate, point) * exp(off), place };
  };
}

function rowsOf(samples: readonly CurveSample[], curve: CollectiveCurve, linkRate: number): Row[] {
  const ranks = [...new Set(samples.map((sample) => sample.ranks))].sort((a, b) => a - b);
  return ranks.map((count) => {
    const own = rising(samples.filter((sample) => sample.ranks === count && sample.bytes > 0).sort((a, b) => a.bytes - b.bytes));
    return {
      ranks: count,
      lnBytes: Float64Array.from(own, ({ bytes }) => ln(bytes)),
      off: Float64Array.from(own, (sample) => ln(sample.ns / curveNs(curve, linkRate, sample))),
    };
  });
}

/** Jitter of repeated measurements: what a sample may take longer than a larger one without being taken for noise. */
const JITTER = 1.1;

/** Samples that took far longer than a larger one count as that: a smaller message can be padded, so what is above is noise. */
function rising(samples: readonly CurveSample[]): CurveSample[] {
  const lowered = [...samples];
  let least = Number.POSITIVE_INFINITY;
  for (let i = lowered.length - 1; i >= 0; i--) {
    const sample = lowered[i]!;
    if (sample.ns > JITTER * least) lowered[i] = { ...sample, ns: least };
    least = Math.min(least, sample.ns);
  }
  return lowered;
}

function correction(rows: readonly Row[], { bytes, ranks }: CurvePoint): { readonly off: number; readonly place: ReadingPlace } {
  const x = ln(Math.max(1, bytes));
  const same = rows.find((row) => row.ranks === ranks);
  if (same !== undefined) return readRow(same, x);
  if (rows.length === 1)
    return { off: readRow(rows[0]!, x).off, place: { at: "other-ranks", inside: false, octaves: octavesTo(rows, ranks), apart: 0 } };
  let low = 0;
  while (low < rows.length - 2 && rows[low + 1]!.ranks < ranks) low += 1;
  const [a, b] = [rows[low]!, rows[low + 1]!];
  const [offA, offB] = [readRow(a, x).off, readRow(b, x).off];
  const share = log2(ranks / a.ranks) / log2(b.ranks / a.ranks);
  const inside = share >= 0 && share <= 1;
  const place: ReadingPlace = { at: "other-ranks", inside, octaves: octavesTo(rows, ranks), apart: Math.abs(offB - offA) };
  if (share < 0) return { off: offA + TREND * Math.max(-1, share) * (offB - offA), place };
  if (share > 1) return { off: offB + TREND * Math.min(1, share - 1) * (offB - offA), place };
  return { off: offA + share * (offB - offA), place };
}

function octavesTo(rows: readonly Row[], ranks: number): number {
  return rows.reduce((least, row) => Math.min(least, Math.abs(log2(ranks / row.ranks))), Number.POSITIVE_INFINITY);
}

function readRow({ lnBytes, off }: Row, x: number): { readonly off: number; readonly place: ReadingPlace } {
  const last = lnBytes.length - 1;
  if (x < lnBytes[0]!) return { off: off[0]!, place: { at: "beyond-sizes", octaves: (lnBytes[0]! - x) / LN_2 } };
  if (x > lnBytes[last]!) return { off: off[last]!, place: { at: "beyond-sizes", octaves: (x - lnBytes[last]!) / LN_2 } };
  let low = 0;
  while (low < last && lnBytes[low + 1]! <= x) low += 1;
  if (lnBytes[low] === x) return { off: off[low]!, place: { at: "sample" } };
  const share = (x - lnBytes[low]!) / (lnBytes[low + 1]! - lnBytes[low]!);
  return {
    off: off[low]! + share * (off[low + 1]! - off[low]!),
    place: { at: "between-sizes", apart: Math.abs(off[low + 1]! - off[low]!), range: rangeAround(off, low) },
  };
}

function rangeAround(off: Float64Array, low: number): number {
  const around = off.subarray(Math.max(0, low - 1), low + 3);
  return (
    around.reduce((most, value) => Math.max(most, value), around[0]!) - around.reduce((least, value) => Math.min(least, value), around[0]!)
  );
}

const LN_2 = 0.6931471805599453;

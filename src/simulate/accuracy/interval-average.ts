import type { LogInterval, ServedProperties, ServedProperty, ServedTime } from "../../cost/iteration/engines/served-properties.ts";
import { type IntervalScheme, type Residual, schemeIntervals } from "./interval-scheme.ts";

/** What rows count that differ in a property. */
const SHARE = 0.3;

/** How schemes of a time are made and taken. */
interface SchemeRules {
  /** What a group's usual miss may depend on. */
  readonly usuals: readonly (readonly ServedProperty[])[];
  /** What rows that count in full may share with the one an interval is for: none of these, each, and all. */
  readonly alike: readonly ServedProperty[];
  /** Whether misses are taken to grow with the share of prompts. */
  readonly byPrompts: boolean;
  /** Whether intervals are widened by the factor with which they hold nine in ten of rows they were not made of. */
  readonly calibrated: boolean;
}

const CELL: readonly ServedProperty[] = ["engine", "cell"];

/**
 * The few ways that are averaged. Choosing the best of hundreds by folds among some twenty groups chose lucky ones: by folds inside folds its TPOT scored
 * 0.646 (the ten best averaged) where these score 0.623, its TTFT 1.900 (the best) where these score 1.855. Scores as in Gneiting and Raftery, JASA 2007,
 * section 6.2 (width + 2/0.1 x how far outside, in units of the median miss of the engine on the device), less is better.
 */
const RULES: Readonly<Record<ServedTime, SchemeRules>> = {
  tpot: { usuals: [[], CELL, ["engine", "named", "mixture"]], alike: ["engine", "mixture"], byPrompts: true, calibrated: false },
  ttft: { usuals: [[], CELL], alike: ["engine", "longPrompts"], byPrompts: false, calibrated: true },
};

/** Share of measurements outside an interval. */
const OUTSIDE = 0.1;
/** Least end that a factor is told from. */
const MISS_MIN = 0.02;
/** Rows of an engine on a device that it takes to tell a factor from them. */
const ROWS_MIN = 20;
/** Factors on intervals beyond these would say that the scheme knows nothing. */
const FACTOR_MIN = 0.5;
const FACTOR_MAX = 2;

/** Schemes of a time: every kind of usual miss with every choice of what is alike. */
export function intervalSchemes(time: ServedTime): readonly IntervalScheme[] {
  const { usuals, alike, byPrompts } = RULES[time];
  return usuals.flatMap((usual) =>
    [[], ...alike.map((property) => [property]), alike].map((properties) => ({ properties, share: SHARE, usual, byPrompts })),
  );
}

/** A scheme with the factor on its intervals. */
interface CalibratedScheme {
  readonly scheme: IntervalScheme;
  readonly factor: number;
}

/**
 * The schemes of a time with the factors that the residuals at hand tell; 1 where there is but one fold to learn from.
 *
 * Protocol: 5 outer folds of whole groups. For each outer fold the factors of TTFT are learnt from the other four: each of these is predicted with the three
 * that remain, and the factor is the least with which those predictions hold 90 % (rows of each engine on each device by their roots). The schemes' intervals,
 * made of the residuals of the four, are averaged end by end. A row's own fold takes part neither in the factor nor in the width. What this leaves: residuals
 * of other folds come from constants whose fits have seen the row's fold; and which schemes there are was told by folds inside folds, all of which together
 * hold all rows. docs/accuracy.md says how often held-out rows were looked at. Complexity: schemes x folds x (values of properties) x residuals.
 */
export function calibratedSchemes(time: ServedTime, residuals: readonly Residual[]): readonly CalibratedScheme[] {
  const schemes = intervalSchemes(time);
  const folds = [...new Set(residuals.map(({ fold }) => fold))].sort((a, b) => a - b);
  if (!RULES[time].calibrated || folds.length < 2) return schemes.map((scheme) => ({ scheme, factor: 1 }));
  const weights = cellWeights(residuals);
  return schemes.map((scheme) => {
    const rows = folds.flatMap((inner) => foldRows(scheme, residuals, inner));
    return { scheme, factor: factorOf(rows, weights) };
  });
}

/** Intervals of schemes, averaged end by end. */
export function averageIntervals(
  schemes: readonly CalibratedScheme[],
  residuals: readonly Residual[],
): (of: ServedProperties) => LogInterval {
  const made = schemes.map(({ scheme, factor }) => ({ factor, intervalOf: schemeIntervals(scheme, residuals) }));
  return (of) => {
    let [low, high] = [0, 0];
    for (const { factor, intervalOf } of made) {
      const interval = intervalOf(of);
      low += (factor * interval.low) / made.length;
      high += (factor * interval.high) / made.length;
    }
    return { low, high };
  };
}

/** A row with the interval that rows of other folds give it. */
interface HeldOut extends LogInterval {
  readonly cell: string;
  readonly miss: number;
}

function foldRows(scheme: IntervalScheme, residuals: readonly Residual[], inner: number): HeldOut[] {
  const intervalOf = schemeIntervals(
    scheme,
    residuals.filter(({ fold }) => fold !== inner),
  );
  return residuals
    .filter(({ fold }) => fold === inner)
    .map((residual) => ({ cell: cellOf(residual), miss: residual.miss, ...intervalOf(residual.of) }));
}

/** The least factor on intervals with which they hold nine tenths of the weight. */
function factorOf(rows: readonly HeldOut[], weights: ReadonlyMap<string, number>): number {
  const needed = rows
    .map(({ low, high, miss, cell }) => ({
      factor: Math.abs(miss) / Math.max(MISS_MIN, miss > 0 ? high : -low),
      weight: weights.get(cell)!,
    }))
    .sort((a, b) => a.factor - b.factor);
  const inside = (1 - OUTSIDE) * needed.reduce((sum, { weight }) => sum + weight, 0);
  if (inside === 0) return 1;
  let sum = 0;
  const found = needed.find(({ weight }) => {
    sum += weight;
    return sum >= inside - 1e-12;
  });
  return Math.min(FACTOR_MAX, Math.max(FACTOR_MIN, found!.factor));
}

function cellOf({ of, device }: Residual): string {
  return `${of.engine} ${device}`;
}

/** What a row of each engine on each device counts: the root of their rows together. Those of few rows do not count. */
function cellWeights(residuals: readonly Residual[]): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const residual of residuals) rows.set(cellOf(residual), (rows.get(cellOf(residual)) ?? 0) + 1);
  return new Map([...rows].map(([cell, count]) => [cell, count < ROWS_MIN ? 0 : 1 / Math.sqrt(count)]));
}

import {
  type LogInterval,
  SERVED_PROPERTIES,
  type ServedProperties,
  type ServedProperty,
  type ServedTime,
} from "../../cost/iteration/engines/served-properties.ts";
import { type IntervalScheme, medianMiss, type Residual, schemeIntervals } from "./interval-scheme.ts";

/** What rows that count more may share with the one an interval is for. */
const PROPERTIES: readonly ServedProperty[] = ["engine", "named", "mixture", "blackwell", "longPrompts"];
const SHARES: readonly number[] = [0.1, 0.3];

/** How schemes of a time are made and taken. */
interface ChoiceRules {
  /** What a group's usual miss may depend on. */
  readonly usuals: readonly (readonly ServedProperty[])[];
  /** Schemes of the least scores whose intervals are averaged: with some twenty groups the single best one of TPOT is mostly lucky. */
  readonly averaged: number;
  /** Whether intervals are widened by the factor with which they hold nine in ten of rows they were not made of. */
  readonly calibrated: boolean;
}

/** TTFT keeps to the plain way: averages and factors held more (93 for 88 % of held-out rows), at 80 for 63 % of width. */
const RULES: Readonly<Record<ServedTime, ChoiceRules>> = {
  tpot: { usuals: [[], ["engine", "cell"], SERVED_PROPERTIES], averaged: 10, calibrated: true },
  ttft: { usuals: [[], ["engine"]], averaged: 1, calibrated: false },
};
const GROUPS: readonly IntervalScheme["groups"][] = ["roots", "rows"];
/** Share of measurements outside an interval. */
const OUTSIDE = 0.1;
/** Least usual miss of an engine on a device that scores are divided by, and least end that a factor is told from. */
const MISS_MIN = 0.02;
/** Rows of an engine on a device that it takes to score them. */
const ROWS_MIN = 20;
/** Factors on intervals beyond these would say that the scheme knows nothing. */
const FACTOR_MIN = 0.5;
const FACTOR_MAX = 2;

/**
 * Schemes that are compared: no property, each one and each two, with each share; in logarithms and in units of what models of given properties usually
 * miss by; groups by rows and by their roots.
 */
export function intervalSchemes(time: ServedTime): readonly IntervalScheme[] {
  const pairs = PROPERTIES.flatMap((a, index) => PROPERTIES.slice(index + 1).map((b) => [a, b]));
  return GROUPS.flatMap((groups) =>
    RULES[time].usuals.flatMap((usual) => [
      { properties: [], share: 1, usual, groups },
      ...[...PROPERTIES.map((property) => [property]), ...pairs].flatMap((properties) =>
        SHARES.map((share) => ({ properties, share, usual, groups })),
      ),
    ]),
  );
}

/** A scheme with the factor that makes its intervals hold nine in ten of rows it was not made of. */
interface CalibratedScheme {
  readonly scheme: IntervalScheme;
  readonly factor: number;
}

/**
 * The schemes for rows of a fold that is held out, best first, chosen from the residuals of the others alone; one, as it is, where there is but one fold
 * to learn from.
 *
 * Protocol: 5 outer folds of whole groups. For each outer fold the schemes are compared on the other four: each of these is predicted with the three that
 * remain, for TPOT widened by the one factor with which those predictions hold 90 % (rows of each engine on each device by their roots), and scored. The
 * intervals of the schemes with the least scores (TPOT: ten, TTFT: one), made of the residuals of the four, are averaged end by end. A row's own fold
 * takes part neither in the choice nor in the factor nor in the width. What this leaves: residuals of other folds come from constants whose fits have seen
 * the row's fold, and versions of this protocol were looked at on held-out rows; docs/accuracy.md says how many.
 *
 * Score: width + 2/0.1 x how far outside, of ln(measured / predicted), which is least at the true 5 % and 95 % (Gneiting and Raftery, JASA 2007, section
 * 6.2); its mean over the rows of each engine on each device in units of their median miss, so that those that are met well count as well, and over these
 * by the roots of their rows. Complexity: schemes x folds x (values of properties) x residuals.
 */
export function chooseSchemes(time: ServedTime, residuals: readonly Residual[]): readonly CalibratedScheme[] {
  const { averaged, calibrated } = RULES[time];
  const schemes = intervalSchemes(time);
  const folds = [...new Set(residuals.map(({ fold }) => fold))].sort((a, b) => a - b);
  if (folds.length < 2) return [{ scheme: schemes[0]!, factor: 1 }];
  const cells = cellsOf(residuals);
  const scored = schemes.map((scheme) => {
    const rows = folds.flatMap((inner) => foldRows(scheme, residuals, inner));
    const factor = calibrated ? factorOf(rows, cells) : 1;
    return { scheme, factor, score: scoreOf(rows, factor, cells) };
  });
  // Sorting is stable: of equal scores the simpler scheme, which stands first.
  return scored.sort((a, b) => a.score - b.score).slice(0, averaged);
}

/** Intervals of chosen schemes, averaged end by end. */
export function chosenIntervals(
  chosen: readonly CalibratedScheme[],
  residuals: readonly Residual[],
): (of: ServedProperties) => LogInterval {
  const made = chosen.map(({ scheme, factor }) => ({ factor, intervalOf: schemeIntervals(scheme, residuals) }));
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
function factorOf(rows: readonly HeldOut[], cells: ReadonlyMap<string, Cell>): number {
  const needed = rows
    .map(({ low, high, miss, cell }) => ({
      factor: Math.abs(miss) / Math.max(MISS_MIN, miss > 0 ? high : -low),
      weight: cells.get(cell)!.weight,
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

function scoreOf(rows: readonly HeldOut[], factor: number, cells: ReadonlyMap<string, Cell>): number {
  return rows.reduce((sum, { cell, miss, ...ends }) => {
    const { weight, usual } = cells.get(cell)!;
    const [low, high] = [factor * ends.low, factor * ends.high];
    const outside = Math.max(0, low - miss, miss - high);
    return sum + (weight / usual) * (high - low + (2 / OUTSIDE) * outside);
  }, 0);
}

/** What a row of an engine on a device counts, and what it usually misses by. Those of few rows do not count. */
interface Cell {
  readonly weight: number;
  readonly usual: number;
}

function cellOf({ of, device }: Residual): string {
  return `${of.engine} ${device}`;
}

function cellsOf(residuals: readonly Residual[]): ReadonlyMap<string, Cell> {
  const cells = new Map<string, Residual[]>();
  for (const residual of residuals) {
    const rows = cells.get(cellOf(residual));
    if (rows === undefined) cells.set(cellOf(residual), [residual]);
    else rows.push(residual);
  }
  return new Map(
    [...cells].map(([cell, rows]) => [
      cell,
      { weight: rows.length < ROWS_MIN ? 0 : 1 / Math.sqrt(rows.length), usual: Math.max(MISS_MIN, medianMiss(rows)) },
    ]),
  );
}

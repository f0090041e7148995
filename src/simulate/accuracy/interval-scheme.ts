import { exp, ln } from "../../base/math.ts";
import { mean, quantile } from "../../base/statistics.ts";
import type { LogInterval } from "../../cost/iteration/engines/served-properties.ts";
import { PROMPT_SHARES, type ServedProperties, type ServedProperty, servedKey } from "../../cost/iteration/engines/served-properties.ts";

/** What a held-out row was off by. */
export interface Residual {
  readonly of: ServedProperties;
  readonly device: string;
  readonly group: string;
  readonly fold: number;
  /** ln(measured / predicted). */
  readonly miss: number;
}

/**
 * How an interval is made of residuals: those that share the properties count in full, others by `share` for each property they differ in. No properties:
 * all count alike.
 */
export interface IntervalScheme {
  readonly properties: readonly ServedProperty[];
  readonly share: number;
  /** Properties that what a group usually misses by depends on: misses are taken in units of it, and the interval in its own. None: plain logarithms. */
  readonly usual: readonly ServedProperty[];
  /** Whether misses are taken to grow with the share of prompts, by as much as they do within groups. */
  readonly byPrompts: boolean;
}

/** Shares of measurements that lie below an interval's ends. */
const LOW = 0.05;
const HIGH = 0.95;
/** That a property changes nothing counts as so many groups beside those that have it: an engine seen with one model is not known with others. */
const COMMON_GROUPS = 3;
/** Rounds in which the properties' effects settle beside one another; more change no digit that is stored. */
const ROUNDS = 40;
/** Least usual miss of a group: below it logarithms say nothing. */
const USUAL_MIN = 0.02;

/** Properties that a scheme's intervals depend on. */
export function schemeProperties({ properties, usual, byPrompts }: IntervalScheme): readonly ServedProperty[] {
  return [...new Set([...properties, ...usual, ...(byPrompts ? (["promptShare"] as const) : [])])];
}

/**
 * Intervals of served models by their properties, each of which holds the prediction itself; from 0 to 0 without residuals.
 * Complexity: residuals x their logarithm, and residuals x properties for each interval that is new.
 */
export function schemeIntervals(scheme: IntervalScheme, measured: readonly Residual[]): (of: ServedProperties) => LogInterval {
  const { properties, share } = scheme;
  const weightOf = groupWeight(measured);
  const byPrompts = scheme.byPrompts ? promptsMiss(measured, weightOf) : () => 0;
  const residuals = scheme.byPrompts ? measured.map((one) => ({ ...one, miss: one.miss - byPrompts(one.of) })) : measured;
  const unitOf = usualMiss(scheme.usual, residuals, weightOf);
  const sorted = residuals
    .map(({ of, miss, group }) => ({ of, size: miss / unitOf(of), weight: weightOf(group) }))
    .sort((a, b) => a.size - b.size);
  const named = schemeProperties(scheme);
  const found = new Map<string, LogInterval>();
  return (of) => {
    const key = servedKey(of, named);
    const known = found.get(key);
    if (known !== undefined) return known;
    const counted = sorted.map((one) => {
      let { weight } = one;
      for (const property of properties) if (one.of[property] !== of[property]) weight *= share;
      return { size: one.size, weight };
    });
    const unit = unitOf(of);
    const by = byPrompts(of);
    const made = { low: Math.min(0, by + unit * sizeAt(counted, LOW)), high: Math.max(0, by + unit * sizeAt(counted, HIGH)) };
    found.set(key, made);
    return made;
  };
}

/** Weight of a row of a group: n rows of one group count as the root of n, as in the fit of constants, as they miss alike. */
function groupWeight(residuals: readonly Residual[]): (group: string) => number {
  const rows = new Map<string, number>();
  for (const { group } of residuals) rows.set(group, (rows.get(group) ?? 0) + 1);
  return (group) => 1 / Math.sqrt(rows.get(group)!);
}

/** Rows of a group that it takes to tell a slope from them. */
const SLOPE_ROWS = 5;

/**
 * What models miss by more or less than all, by their prompts' share of the time.
 *
 * Model: a straight line in the share of its kind (`PROMPT_SHARES`), whose slope is that of rows about the mean and median of their group, as groups differ by
 * other things as well. Cause: where prompts take much of the time, predictions are too fast in all engines and models that were measured.
 */
function promptsMiss(residuals: readonly Residual[], weightOf: (group: string) => number): (of: ServedProperties) => number {
  const groups = new Map<string, Residual[]>();
  let [weights, shares] = [0, 0];
  for (const one of residuals) {
    groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
    weights += weightOf(one.group);
    shares += weightOf(one.group) * PROMPT_SHARES[one.of.promptShare];
  }
  let [products, squares] = [0, 0];
  for (const [group, rows] of groups) {
    if (rows.length < SLOPE_ROWS) continue;
    const at = rows.map(({ of }) => PROMPT_SHARES[of.promptShare]);
    const centre = mean(at);
    const usual = quantile(
      rows.map(({ miss }) => miss),
      0.5,
    );
    rows.forEach(({ miss }, index) => {
      const by = at[index]! - centre;
      products += weightOf(group) * by * (miss - usual);
      squares += weightOf(group) * by * by;
    });
  }
  const slope = squares === 0 ? 0 : products / squares;
  return ({ promptShare }) => slope * (PROMPT_SHARES[promptShare] - shares / weights);
}

/** Rows of a group that share the values of the properties. */
interface Unit {
  readonly of: ServedProperties;
  weight: number;
  rows: number;
  sum: number;
}

/**
 * What models of given properties usually miss by; 1 where it depends on none.
 *
 * Model: ln of the mean |miss| of a group is a sum of one effect a property, each drawn to 0 by `COMMON_GROUPS` (ridge regression, solved by turns).
 */
function usualMiss(
  properties: readonly ServedProperty[],
  residuals: readonly Residual[],
  weightOf: (group: string) => number,
): (of: ServedProperties) => number {
  if (properties.length === 0 || residuals.length === 0) return () => 1;
  const units = unitsOf(properties, residuals, weightOf);
  const weights = units.reduce((sum, { weight }) => sum + weight, 0);
  const sizes = units.map(({ sum, rows }) => ln(Math.max(USUAL_MIN, sum / rows)));
  const fitted = units.map(() => 0);
  const effects = properties.map(() => new Map<unknown, number>());
  let common = 0;
  for (let round = 0; round < ROUNDS; round++) {
    common = units.reduce((sum, { weight }, i) => sum + weight * (sizes[i]! - fitted[i]!), 0) / weights;
    properties.forEach((property, at) => {
      const found = new Map<unknown, { sum: number; groups: number }>();
      units.forEach(({ of, weight }, i) => {
        const entry = found.get(of[property]) ?? { sum: 0, groups: COMMON_GROUPS };
        const groups = (weight * units.length) / weights;
        entry.sum += groups * (sizes[i]! - common - fitted[i]! + (effects[at]!.get(of[property]) ?? 0));
        entry.groups += groups;
        found.set(of[property], entry);
      });
      const before = effects[at]!;
      const now = new Map([...found].map(([value, { sum, groups }]) => [value, sum / groups]));
      units.forEach(({ of }, i) => {
        fitted[i]! += now.get(of[property])! - (before.get(of[property]) ?? 0);
      });
      effects[at] = now;
    });
  }
  return (of) => exp(properties.reduce((sum, property, at) => sum + (effects[at]!.get(of[property]) ?? 0), common));
}

function unitsOf(properties: readonly ServedProperty[], residuals: readonly Residual[], weightOf: (group: string) => number): Unit[] {
  const units = new Map<string, Unit>();
  for (const { of, group, miss } of residuals) {
    const key = `${group}\n${servedKey(of, properties)}`;
    const unit = units.get(key) ?? { of, weight: 0, rows: 0, sum: 0 };
    unit.weight += weightOf(group);
    unit.rows += 1;
    unit.sum += Math.abs(miss);
    units.set(key, unit);
  }
  return [...units.values()];
}

/** Least of sorted sizes that a share of the weight does not exceed; 0 without any. */
function sizeAt(sorted: readonly { readonly size: number; readonly weight: number }[], share: number): number {
  const below = share * sorted.reduce((sum, { weight }) => sum + weight, 0);
  let sum = 0;
  for (const { size, weight } of sorted) {
    sum += weight;
    if (sum >= below - 1e-12) return size;
  }
  return 0;
}

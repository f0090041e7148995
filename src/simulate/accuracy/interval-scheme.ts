import { exp, ln } from "../../base/math.ts";
import type { LogInterval } from "../../cost/iteration/engines/served-properties.ts";
import { type ServedProperties, type ServedProperty, servedKey } from "../../cost/iteration/engines/served-properties.ts";

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
  /** Misses are taken in units of what their engine usually misses by, and the interval in those of its own. */
  readonly usual: boolean;
  /** What a group of n rows counts: n, or the root of n, as in the fit of constants, as rows of one group miss alike. */
  readonly groups: "rows" | "roots";
}

/** Shares of measurements that lie below an interval's ends. */
const LOW = 0.05;
const HIGH = 0.95;
/** What all engines usually miss by counts as so many groups beside those of one: an engine seen with one model is not known with others. */
const COMMON_GROUPS = 3;
/** Least usual miss: below it shares of it say nothing. */
const USUAL_MIN = 1e-3;

/** Properties that a scheme's intervals depend on. */
export function schemeProperties({ properties, usual }: IntervalScheme): readonly ServedProperty[] {
  return usual && !properties.includes("engine") ? ["engine", ...properties] : properties;
}

/**
 * Intervals of served models by their properties, each of which holds the prediction itself; from 0 to 0 without residuals.
 * Complexity: residuals x their logarithm, and residuals x properties for each interval that is new.
 */
export function schemeIntervals(scheme: IntervalScheme, residuals: readonly Residual[]): (of: ServedProperties) => LogInterval {
  const { properties, share } = scheme;
  const unitOf = scheme.usual ? usualMiss(residuals) : () => 1;
  const weightOf = groupWeight(scheme, residuals);
  const sorted = residuals
    .map(({ of, miss, group }) => ({ of, size: miss / unitOf(of.engine), weight: weightOf(group) }))
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
    const unit = unitOf(of.engine);
    const made = { low: Math.min(0, unit * sizeAt(counted, LOW)), high: Math.max(0, unit * sizeAt(counted, HIGH)) };
    found.set(key, made);
    return made;
  };
}

/** Weight of a row of a group. */
function groupWeight({ groups }: IntervalScheme, residuals: readonly Residual[]): (group: string) => number {
  if (groups === "rows") return () => 1;
  const rows = new Map<string, number>();
  for (const { group } of residuals) rows.set(group, (rows.get(group) ?? 0) + 1);
  return (group) => 1 / Math.sqrt(rows.get(group)!);
}

/** Median of |miss| of an engine, drawn towards that of all: the mean of their logarithms, weighed by groups. */
function usualMiss(residuals: readonly Residual[]): (engine: string) => number {
  const medianOf = (of: readonly Residual[]): number => ln(Math.max(USUAL_MIN, medianMiss(of)));
  const all = medianOf(residuals);
  const found = new Map<string, number>();
  return (engine) => {
    const known = found.get(engine);
    if (known !== undefined) return known;
    const own = residuals.filter(({ of }) => of.engine === engine);
    const groups = new Set(own.map(({ group }) => group)).size;
    const usual = exp((groups * medianOf(own) + COMMON_GROUPS * all) / (groups + COMMON_GROUPS));
    found.set(engine, usual);
    return usual;
  };
}

/** Median of |miss|; 0 without residuals. */
export function medianMiss(residuals: readonly Residual[]): number {
  const sizes = residuals.map(({ miss }) => ({ size: Math.abs(miss), weight: 1 })).sort((a, b) => a.size - b.size);
  return sizeAt(sizes, 0.5);
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

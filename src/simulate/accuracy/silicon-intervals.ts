import { must } from "../../base/assert.ts";
import { exp, ln } from "../../base/math.ts";
import { publishedRun, siliconBenchmark } from "../../cost/accuracy/silicon/silicon-benchmark.ts";
import { hasExperts } from "../../cost/iteration/decoder-blocks.ts";
import type { LogInterval, ServedIntervals, ServedTime } from "../../cost/iteration/engines/served-properties.ts";
import {
  isBlackwell,
  LONG_PROMPT,
  promptShareOf,
  SERVED_PROPERTIES,
  type ServedProperties,
  servedCell,
  servedKey,
} from "../../cost/iteration/engines/served-properties.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { averageIntervals, calibratedSchemes } from "./interval-average.ts";
import { type Residual, schemeProperties } from "./interval-scheme.ts";
import type { SiliconPoint } from "./silicon-evaluation.ts";

export function measuredMs({ row }: SiliconPoint, time: ServedTime): number {
  return time === "tpot" ? row.tpotMs : row.ttftMs;
}

export function predictedMs(point: SiliconPoint, time: ServedTime): number {
  return time === "tpot" ? point.predictedTpotMs : point.predictedTtftMs;
}

/** ln(measured / predicted): above 0 where predictions are too fast. */
export function logMiss(point: SiliconPoint, time: ServedTime): number {
  return ln(measuredMs(point, time) / predictedMs(point, time));
}

/** What tells how far a row's prediction may be off. */
export function pointProperties({ row, promptShare }: SiliconPoint): ServedProperties {
  return {
    engine: row.engine,
    named: publishedRun(row),
    mixture: isMixture(row.model),
    blackwell: isBlackwell(row.device),
    longPrompts: siliconBenchmark(row).promptTokens >= LONG_PROMPT,
    promptShare: promptShareOf(promptShare),
    cell: servedCell(row.engine, row.device),
  };
}

const mixtures = new Map<string, boolean>();

function isMixture(model: string): boolean {
  const known = mixtures.get(model);
  if (known !== undefined) return known;
  const made = hasExperts(must(knownArchitecture(model), model));
  mixtures.set(model, made);
  return made;
}

/**
 * Misses that intervals are made of. TPOT: of all rows but those that ran with a setting nobody names. TTFT: of rows whose configuration the file states, and
 * not of waits for kernels.
 */
function residualsOf(points: readonly SiliconPoint[], time: ServedTime): readonly Residual[] {
  const counted = points.filter(({ knowledge, compiling }) =>
    time === "tpot" ? knowledge !== "setting not named" : knowledge === "stated" && compiling === undefined,
  );
  return counted.map((point) => ({
    of: pointProperties(point),
    device: point.row.device,
    group: point.group,
    fold: point.fold,
    miss: logMiss(point, time),
  }));
}

/**
 * 90 % intervals of ln(measured / predicted) of rows, from rows of other folds alone: quantiles of their misses, in which those that share properties with
 * the row count more (`interval-average.ts`).
 *
 * A first wave that waits for kernels to be compiled reaches from no wait to the longest published one (`silicon-benchmark.ts`).
 */
export function siliconIntervals(points: readonly SiliconPoint[], time: ServedTime): (point: SiliconPoint) => LogInterval {
  const residuals = residualsOf(points, time);
  const ofFold = new Map<number, (of: ServedProperties) => LogInterval>();
  return (point) => {
    let intervalOf = ofFold.get(point.fold);
    if (intervalOf === undefined) {
      const others = residuals.filter(({ fold }) => fold !== point.fold);
      intervalOf = averageIntervals(calibratedSchemes(time, others), others);
      ofFold.set(point.fold, intervalOf);
    }
    const interval = intervalOf(pointProperties(point));
    return time === "ttft" && point.compiling !== undefined ? withCompiling(interval, point, point.compiling) : interval;
  };
}

function withCompiling(
  { low, high }: LogInterval,
  { predictedTtftMs }: SiliconPoint,
  { predictedMs: part, mostMs }: NonNullable<SiliconPoint["compiling"]>,
): LogInterval {
  const warm = predictedTtftMs - part;
  return { low: ln((warm * exp(low)) / predictedTtftMs), high: ln((warm * exp(high) + mostMs) / predictedTtftMs) };
}

/** The table that deployments take their intervals from: the schemes as all folds calibrate them, of residuals of all folds. */
export function servedIntervals(points: readonly SiliconPoint[], time: ServedTime, every: readonly ServedProperties[]): ServedIntervals {
  const residuals = residualsOf(points, time);
  const schemes = calibratedSchemes(time, residuals);
  const intervalOf = averageIntervals(schemes, residuals);
  const told = new Set(schemes.flatMap(({ scheme }) => schemeProperties(scheme)));
  const properties = SERVED_PROPERTIES.filter((property) => told.has(property));
  return { properties, intervals: Object.fromEntries(every.map((of) => [servedKey(of, properties), intervalOf(of)])) };
}

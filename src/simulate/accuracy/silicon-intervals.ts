import { ln } from "../../base/math.ts";
import type { SiliconPoint } from "./silicon-evaluation.ts";

export type SiliconTime = "tpot" | "ttft";

/** Share of measurements that an interval is to hold. */
const INTERVAL = 0.9;
/** Residuals of other groups it takes to know how far an engine is usually off; with fewer, those of all engines count. */
const RESIDUALS_MIN = 40;
/** Least usual miss: below it shares of it say nothing. */
const SCALE_MIN = 1e-3;

export function measuredMs({ row }: SiliconPoint, time: SiliconTime): number {
  return time === "tpot" ? row.tpotMs : row.ttftMs;
}

export function predictedMs(point: SiliconPoint, time: SiliconTime): number {
  return time === "tpot" ? point.predictedTpotMs : point.predictedTtftMs;
}

export function logMiss(point: SiliconPoint, time: SiliconTime): number {
  return Math.abs(ln(predictedMs(point, time) / measuredMs(point, time)));
}

interface Miss {
  readonly size: number;
  readonly weight: number;
}

/**
 * Half-widths (in |ln|) of 90 % intervals by engine and fold, from rows of other folds alone, each missed when its own group was held out.
 *
 * Model: an engine's usual miss (the median) times the share of it that 90 % of the misses of all engines stay below. A group of n rows weighs as much
 * as the root of n, as in the fit of constants: rows of one group miss alike.
 * Why: the 0.9 quantile of one engine alone hangs on one or two groups; its median does not, and how misses spread about it is much the same.
 */
export function siliconIntervals(points: readonly SiliconPoint[], time: SiliconTime): (engine: string, fold: number) => number {
  const known = points.filter(({ knowledge }) => knowledge !== "setting not named");
  const found = new Map<string, number>();
  return (engine, fold) => {
    const key = `${engine} ${fold}`;
    const width = found.get(key);
    if (width !== undefined) return width;
    const others = known.filter((point) => point.fold !== fold);
    const rows = new Map<string, number>();
    for (const { group } of others) rows.set(group, (rows.get(group) ?? 0) + 1);
    const missOf = (point: SiliconPoint): Miss => ({ size: logMiss(point, time), weight: 1 / Math.sqrt(rows.get(point.group)!) });
    const all = others.map(missOf);
    const usual = new Map<string, number>();
    const usualOf = (of: string): number => {
      const kept = usual.get(of);
      if (kept !== undefined) return kept;
      const own = others.filter(({ row }) => row.engine === of);
      const scale = Math.max(SCALE_MIN, weightedQuantile(own.length >= RESIDUALS_MIN ? own.map(missOf) : all, 0.5));
      usual.set(of, scale);
      return scale;
    };
    const shares = others.map((point, index) => ({ size: all[index]!.size / usualOf(point.row.engine), weight: all[index]!.weight }));
    const wide = usualOf(engine) * weightedQuantile(shares, INTERVAL);
    found.set(key, wide);
    return wide;
  };
}

/** Least size that a share of the weight does not exceed; 0 without any. */
function weightedQuantile(misses: readonly Miss[], share: number): number {
  const sorted = [...misses].sort((a, b) => a.size - b.size);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  let below = 0;
  for (const { size, weight } of sorted) {
    below += weight;
    if (below >= share * total - 1e-12) return size;
  }
  return 0;
}

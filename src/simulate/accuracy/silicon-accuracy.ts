import { exp } from "../../base/math.ts";
import { mean, quantile } from "../../base/statistics.ts";
import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import type { LogInterval, ServedTime } from "../../cost/iteration/engines/served-properties.ts";
import { type Choice, choiceRegret } from "./choice-regret.ts";
import { rankCorrelation } from "./rank-correlation.ts";
import type { SiliconEvaluation, SiliconPoint } from "./silicon-evaluation.ts";
import { logMiss, measuredMs, predictedMs, siliconIntervals } from "./silicon-intervals.ts";

/** Protocol of every row, for tables. */
const PROTOCOL = "whole groups (model, system, engine), 5 folds by hash";
const DATA_SET = "aiconfigurator-silicon";
const P90 = 0.9;
/** Limits of TPOT within which configurations are chosen. Units: ms. */
const LIMITS_MS: readonly number[] = [10, 20, 50];

/** One line of the table from some points. */
export function accuracyRow(
  points: readonly SiliconPoint[],
  labels: {
    readonly family: string;
    readonly device: string;
    readonly engine: string;
    readonly time: ServedTime;
    readonly excluded?: Readonly<Record<string, number>>;
  },
  intervalOf: (point: SiliconPoint) => LogInterval,
): AccuracyRow {
  const { time } = labels;
  const signed = points.map((point) => predictedMs(point, time) / measuredMs(point, time) - 1);
  const errors = signed.map(Math.abs);
  const intervals = points.map(intervalOf);
  const inside = points.map((point, index) => {
    const { low, high } = intervals[index]!;
    const miss = logMiss(point, time);
    return miss >= low && miss <= high ? 1 : 0;
  });
  return {
    dataSet: DATA_SET,
    protocol: PROTOCOL,
    family: labels.family,
    device: labels.device,
    engine: labels.engine,
    points: points.length,
    excluded: labels.excluded ?? {},
    meanError: mean(errors),
    medianError: quantile(errors, 0.5),
    p90: quantile(errors, P90),
    signedMean: mean(signed),
    coverage: mean(inside),
    // Of an interval with unlike sides: that of the one with like sides that has as many factors between its ends.
    medianHalfWidth: quantile(
      intervals.map(({ low, high }) => exp((high - low) / 2) - 1),
      0.5,
    ),
  };
}

/** Lines of one time: all rows whose configuration the file states, each engine and device of them, and the rows it does not state. */
export function siliconAccuracy({ points, excluded }: SiliconEvaluation, time: ServedTime): readonly AccuracyRow[] {
  const intervalOf = siliconIntervals(points, time);
  const name = `closed-loop ${time}`;
  const rows: AccuracyRow[] = [];
  const add = (
    family: string,
    of: readonly SiliconPoint[],
    device: string,
    engine: string,
    left: Readonly<Record<string, number>> = {},
  ): void => {
    if (of.length > 0) rows.push(accuracyRow(of, { family, device, engine, time, excluded: left }, intervalOf));
  };
  const stated = points.filter(({ knowledge }) => knowledge === "stated");
  add(name, stated, "all", "all", excluded);
  for (const engine of sortedSet(stated.map(({ row }) => row.engine))) {
    const mine = stated.filter(({ row }) => row.engine === engine);
    add(name, mine, "all", engine);
    for (const device of sortedSet(mine.map(({ row }) => row.device)))
      add(
        name,
        mine.filter(({ row }) => row.device === device),
        device,
        engine,
      );
  }
  add(
    `${name}, format assumed`,
    points.filter(({ knowledge }) => knowledge === "format assumed"),
    "all",
    "all",
  );
  add(
    `${name}, setting not named`,
    points.filter(({ knowledge }) => knowledge === "setting not named"),
    "all",
    "all",
  );
  return rows;
}

function sortedSet(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

/** How well predictions order configurations, and what choosing by them costs. */
export interface SiliconDecisions {
  /** Spearman's correlation of measured and predicted TPOT over all points, and the least over (system, engine) with at least 20 of them. */
  readonly rankCorrelation: number;
  readonly leastRankCorrelation: number;
  /** Over (model, system, engine, lengths) and limits of TPOT: throughput lost by choosing by prediction. Ratios. */
  readonly choices: number;
  readonly meanRegret: number;
  readonly worstRegret: number;
  /** Share of choices that keep the limit as measured. */
  readonly kept: number;
  /** The same as a line of the table: errors are the throughput lost. */
  readonly regretRow: AccuracyRow;
}

const RANKED_MIN = 20;

export function siliconDecisions({ points }: SiliconEvaluation): SiliconDecisions {
  const stated = points.filter(({ knowledge }) => knowledge === "stated");
  const correlation = (of: readonly SiliconPoint[]): number =>
    rankCorrelation(
      of.map(({ row }) => row.tpotMs),
      of.map(({ predictedTpotMs }) => predictedTpotMs),
    );
  const bySystem = groupBy(stated, ({ row }) => `${row.system} ${row.engine}`).filter((list) => list.length >= RANKED_MIN);
  const regrets = groupBy(stated, ({ group, row }) => `${group} ${row.promptTokens}/${row.outputTokens}`).flatMap((list) => {
    const choices = list.map(choiceOf);
    return LIMITS_MS.flatMap((limit) => choiceRegret(choices, limit) ?? []);
  });
  const lost = regrets.map(({ regret }) => regret);
  return {
    regretRow: {
      dataSet: DATA_SET,
      protocol: PROTOCOL,
      family: `throughput lost by choosing by prediction within ${LIMITS_MS.join(", ")} ms of tpot`,
      device: "all",
      engine: "all",
      points: lost.length,
      excluded: {},
      meanError: mean(lost),
      medianError: quantile(lost, 0.5),
      p90: quantile(lost, P90),
      signedMean: -mean(lost),
    },
    rankCorrelation: correlation(stated),
    leastRankCorrelation: Math.min(...bySystem.map(correlation)),
    choices: regrets.length,
    meanRegret: mean(lost),
    worstRegret: Math.max(...lost),
    kept: mean(regrets.map(({ kept }) => (kept ? 1 : 0))),
  };
}

/** Throughput of a closed loop: each client has a token every TPOT after its TTFT. */
function choiceOf(point: SiliconPoint): Choice {
  const { row, clients, devices, predictedTpotMs, predictedTtftMs } = point;
  const throughput = (ttftMs: number, tpotMs: number): number =>
    (clients * row.outputTokens * 1000) / (ttftMs + tpotMs * (row.outputTokens - 1)) / devices;
  return {
    measuredTpotMs: row.tpotMs,
    predictedTpotMs,
    measuredThroughput: throughput(row.ttftMs, row.tpotMs),
    predictedThroughput: throughput(predictedTtftMs, predictedTpotMs),
  };
}

function groupBy(points: readonly SiliconPoint[], key: (point: SiliconPoint) => string): (readonly SiliconPoint[])[] {
  const groups = new Map<string, SiliconPoint[]>();
  for (const point of points) groups.set(key(point), [...(groups.get(key(point)) ?? []), point]);
  return [...groups.values()];
}

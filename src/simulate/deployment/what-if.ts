import { assert } from "../../base/assert.ts";
import type { Summary } from "../../base/statistics.ts";
import { type Bar, barOf } from "../bar.ts";
import type { MeasuredFigures } from "../imported/measured-columns.ts";
import type { RunFigures } from "./run-figures.ts";

/** A figure before and after a change. */
export interface WhatIfRow {
  readonly name: string;
  readonly unit: "ns" | "a second" | "dollars" | "share" | "count";
  /** Of the fleet as it runs, where it was measured. */
  readonly measured?: number;
  readonly before: Bar;
  /** (simulated - measured) / measured of the fleet as it runs: what the model is known to be off by. */
  readonly error?: number;
  readonly after: Bar;
  /** After over before, run by run with the same errors of prices; those of another device are drawn anew. */
  readonly ratio: Bar;
  /** Measured x ratio. */
  readonly expected?: Bar;
}

interface Figure {
  readonly name: string;
  readonly unit: WhatIfRow["unit"];
  readonly of: (run: RunFigures) => number;
  readonly measured?: (figures: MeasuredFigures) => number;
}

const latency = (name: string, part: "ttft" | "tpot" | "e2e", statistic: keyof Summary): Figure => ({
  name: `${name} ${statistic}`,
  unit: "ns",
  of: (run) => run[part][statistic],
  measured: (figures) => figures[part][statistic],
});

const FIGURES: readonly Figure[] = [
  ...(["mean", "p50", "p99"] as const).map((statistic) => latency("TTFT", "ttft", statistic)),
  ...(["mean", "p99"] as const).map((statistic) => latency("TPOT", "tpot", statistic)),
  ...(["mean", "p99"] as const).map((statistic) => latency("end to end", "e2e", statistic)),
  {
    name: "output tokens/s",
    unit: "a second",
    of: (run) => run.outputTokensPerSecond,
    measured: (figures) => figures.outputTokensPerSecond,
  },
  { name: "requests kept the limits", unit: "share", of: (run) => run.goodShare },
  { name: "adapters found in a slot", unit: "share", of: (run) => run.adapters?.hitShare ?? NaN },
  { name: "adapters loaded", unit: "count", of: (run) => run.adapters?.loads ?? 0 },
  { name: "images found encoded", unit: "share", of: (run) => run.images?.foundShare ?? NaN },
  { name: "images encoded", unit: "count", of: (run) => run.images?.encoded ?? 0 },
  { name: "replicas, mean", unit: "count", of: (run) => run.replicas.reduce((sum, count) => sum + count, 0) },
  { name: "requests sent again", unit: "count", of: (run) => run.resent },
  { name: "$ a million output tokens", unit: "dollars", of: (run) => run.dollarsPerMillionOutputTokens },
];

/**
 * What a change does, figure by figure. Runs of both sides are paired by their numbers, and take times where `known` was measured.
 *
 * Rows without a value on either side (no limits, no price) are left out, and counts of what never happened.
 */
export function whatIfRows(before: readonly RunFigures[], after: readonly RunFigures[], known: MeasuredFigures | undefined): WhatIfRow[] {
  assert(before.length === after.length && before.length > 0, "runs are paired", { before: before.length, after: after.length });
  return FIGURES.flatMap(({ name, unit, of, measured: measuredOf }) => {
    const [was, is] = [before, after].map((runs) => runs.map(of)) as [number[], number[]];
    const none = [...was, ...is].every((value) => value === 0);
    if (none || (Number.isNaN(was[0]) && Number.isNaN(is[0]))) return [];
    const ratio = barWithFirst(is.map((value, i) => value / was[i]!));
    const measured = known === undefined ? NaN : (measuredOf?.(known) ?? NaN);
    const row: WhatIfRow = { name, unit, before: barWithFirst(was), after: barWithFirst(is), ratio };
    if (!(measured > 0)) return [row];
    const expected = { value: measured * ratio.value, low: measured * ratio.low, high: measured * ratio.high };
    return [{ ...row, measured, error: was[0]! / measured - 1, expected }];
  });
}

/** The value of the first run, which has no error, with the interval of all. */
export function barWithFirst(values: readonly number[]): Bar {
  const { low, high } = barOf(values);
  const value = values[0]!;
  return { value, low: Math.min(low, value), high: Math.max(high, value) };
}

import { quantile } from "../base/statistics.ts";
import { type GridPoint, type GridReading, gridReader } from "./grid.ts";
import { type Priced, sumPriced } from "./priced.ts";
import type { StageCalibration } from "./stage-calibration.ts";
import { FREE, type PartPricer, type StageParts } from "./stage-pricer.ts";

/** Extra spread per multiple of the table's edge beyond it. */
const OUTSIDE_SPREAD = 0.25;

/**
 * Prices a stage from measurements of that very stage: decode bilinear in (batch, mean context in whole pages), prefill bilinear in (count, context), plus
 * the head for sampled chunks and the copies: blocks that fill up or are sealed in part, sealed blocks gathered, complete prompts moved to their pages.
 * The first chunk beside decoding rows costs less by what one run of both was measured to save.
 *
 * Source: the stage calibration; the spread between its points is the 90 % quantile of leave-one-point-out residuals.
 */
export function tableParts(table: StageCalibration): StageParts {
  return { decode: decodePart(table), prefill: prefillPart(table) };
}

function decodePart(table: StageCalibration): PartPricer {
  const points = table.decode.map((row) => ({ x: row.batch, y: row.context, value: row.ns }));
  const read = tableReader(points, table.drift);
  const page = table.pageTokens;
  return (shape) => {
    const rows = shape.decodeContexts.length;
    if (rows === 0) return FREE;
    let pages = 0;
    let filled = 0;
    for (const length of shape.decodeContexts) {
      pages += Math.ceil(length / page);
      if ((length + 1) % page === 0) filled += 1;
    }
    // The table holds rows of equal contexts; what a step reads is the pages of all.
    const step = read(rows, (pages / rows) * page);
    return filled === 0 ? step : sumPriced([step, copies(table, filled * table.sealNs)]);
  };
}

function prefillPart(table: StageCalibration): PartPricer {
  const points = table.prefill.map((row) => ({ x: row.count, y: row.context, value: row.ns }));
  const read = tableReader(points, table.drift);
  const page = table.pageTokens;
  const saved = savedTogether(table);
  return (shape) => {
    const parts: Priced[] = [];
    let filled = 0;
    let moved = 0;
    const sampled = Math.min(shape.prefill.length, Math.max(0, shape.sampledRows - shape.decodeContexts.length));
    for (const [index, { count, context }] of shape.prefill.entries()) {
      const chunk = read(count, context);
      parts.push(index === 0 ? { ...chunk, ns: Math.max(0, chunk.ns - saved(shape.decodeContexts.length, count)) } : chunk);
      filled += Math.floor((context + count) / page) - Math.floor(context / page);
      // A prompt that is complete moves before its first decode step: counted here, where it is known.
      if (index >= shape.prefill.length - sampled) moved += Math.ceil((context + count) / page);
    }
    const seals = filled + (shape.partSeals ?? 0);
    const extra = seals * table.sealNs + moved * table.moveNs + (shape.gatheredPages ?? 0) * table.gatherNs + sampled * table.sampleNs;
    if (extra > 0) parts.push(copies(table, extra));
    return sumPriced(parts);
  };
}

/**
 * What a run of decoding rows and a chunk together takes less than two runs: bilinear in (rows, count), level beyond what was measured. Units: ns.
 *
 * Model: two runs repeat what does not depend on rows (launches, reading the weights), so the saving is at most a run of one row; what noise
 * measured beyond that is cut off.
 */
function savedTogether(table: StageCalibration): (rows: number, count: number) => number {
  if (table.mixed.length === 0) return () => 0;
  const decode = gridReader(table.decode.map((point) => ({ x: point.batch, y: point.context, value: point.ns })));
  const prefill = gridReader(table.prefill.map((point) => ({ x: point.count, y: point.context, value: point.ns })));
  const most = Math.min(decode(1, table.pageTokens).value, prefill(1, 0).value);
  const points = table.mixed.map(({ rows, count, ns }) => {
    const saved = decode(rows, table.pageTokens).value + prefill(count, 0).value - ns;
    return { x: rows, y: count, value: Math.min(most, Math.max(0, saved)) };
  });
  const read = gridReader(points);
  const rowsMost = Math.max(...points.map((point) => point.x));
  const countMost = Math.max(...points.map((point) => point.y));
  return (rows, count) => (rows === 0 ? 0 : read(Math.min(rows, rowsMost), Math.min(count, countMost)).value);
}

function copies(table: StageCalibration, ns: number): Priced {
  return { ns, spread: table.drift + table.noise, basis: "measured" };
}

function tableReader(points: readonly GridPoint[], drift: number): (x: number, y: number) => Priced {
  const read = gridReader(points);
  const between = drift + leaveOutSpread(points);
  return (x, y) => priced(read(x, y), drift, between);
}

function priced(reading: GridReading, drift: number, between: number): Priced {
  if (reading.outside > 0) return { ns: reading.value, spread: between + OUTSIDE_SPREAD * reading.outside, basis: "extrapolated" };
  if (reading.exact) return { ns: reading.value, spread: drift, basis: "measured" };
  return { ns: reading.value, spread: between, basis: "interpolated" };
}

/** How wrong linear interpolation is about points it does not hold, halved: a left-out point stands twice as far from its neighbours. */
function leaveOutSpread(points: readonly GridPoint[]): number {
  const residuals: number[] = [];
  for (const left of points) {
    const inner =
      points.some((point) => point.x < left.x && point.y === left.y) && points.some((point) => point.x > left.x && point.y === left.y);
    if (!inner) continue;
    const { value } = gridReader(points.filter((point) => point.x !== left.x))(left.x, left.y);
    residuals.push(Math.abs(value / left.value - 1) / 2);
  }
  return residuals.length === 0 ? OUTSIDE_SPREAD : quantile(residuals, 0.9);
}

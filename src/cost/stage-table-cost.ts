import { type GridPoint, type GridReading, gridReader } from "./grid.ts";
import { type Priced, scalePriced, sumPriced } from "./priced.ts";
import { quantile } from "./quantile.ts";
import type { StageCalibration } from "./stage-calibration.ts";
import { FREE, type StagePricer } from "./stage-pricer.ts";

/** Extra spread per multiple of the table's edge beyond it. */
const OUTSIDE_SPREAD = 0.25;

/**
 * Prices a stage from measurements of that very stage: decode bilinear in (batch, padded longest context), prefill bilinear in (count, context), plus
 * the head for sampled chunks and a copy for every block that fills up.
 *
 * Source: the stage calibration; the spread between its points is the 90 % quantile of leave-one-point-out residuals.
 */
export function stageTablePricer(table: StageCalibration): StagePricer {
  const decode = tableReader(
    table.decode.map((row) => ({ x: row.batch, y: row.context, value: row.ns })),
    table.drift,
  );
  const prefill = tableReader(
    table.prefill.map((row) => ({ x: row.count, y: row.context, value: row.ns })),
    table.drift,
  );
  const page = table.pageTokens;
  const exactly = (ns: number): Priced => ({ ns, spread: table.drift + table.noise, basis: "measured" });
  return {
    source: `stage calibration, ${table.decode.length + table.prefill.length} points`,
    noise: table.noise,
    price: (shape) => {
      const rows = shape.decodeContexts.length;
      const decodeParts: Priced[] = [];
      if (rows > 0) {
        const longest = shape.decodeContexts.reduce((most, length) => Math.max(most, length), 0);
        const filled = shape.decodeContexts.reduce((sum, length) => sum + ((length + 1) % page === 0 ? 1 : 0), 0);
        decodeParts.push(decode(rows, Math.ceil(longest / page) * page));
        if (filled > 0) decodeParts.push(exactly(filled * table.sealNs));
      }
      const prefillParts: Priced[] = [];
      for (const { count, context } of shape.prefill) {
        const filled = Math.floor((context + count) / page) - Math.floor(context / page);
        prefillParts.push(prefill(count, context));
        if (filled > 0) prefillParts.push(exactly(filled * table.sealNs));
      }
      const sampledChunks = Math.min(shape.prefill.length, Math.max(0, shape.sampledRows - rows));
      if (sampledChunks > 0) prefillParts.push(exactly(sampledChunks * table.sampleNs));
      return { decode: rows === 0 ? FREE : sumPriced(decodeParts), prefill: sumPriced(prefillParts) };
    },
  };
}

/** Prices a stage from the calibration of another range of layers of the same model: its prices, scaled by what the operator tables say of the two. */
export function scaledPricer(measured: StagePricer, ratio: (part: "decode" | "prefill") => number, spread: number): StagePricer {
  const widen = (priced: Priced): Priced => ({
    ns: priced.ns,
    spread: priced.spread + spread,
    basis: priced.basis === "measured" ? "interpolated" : priced.basis,
  });
  const decodeRatio = ratio("decode");
  const prefillRatio = ratio("prefill");
  return {
    source: `${measured.source}, scaled from other layers`,
    noise: measured.noise,
    price: (shape) => {
      const price = measured.price(shape);
      return { decode: widen(scalePriced(price.decode, decodeRatio)), prefill: widen(scalePriced(price.prefill, prefillRatio)) };
    },
  };
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
  return quantile(residuals, 0.9);
}

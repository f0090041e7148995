import { exp, ln } from "../base/math.ts";
import { quantile } from "../base/statistics.ts";
import type { ComputeFormat, DeviceCalibration } from "../rack/rack.ts";
import { WEIGHT_BYTES } from "./decoder-shape.ts";
import type { Priced } from "./priced.ts";

/** Prices y = x·Wᵀ, `m` rows, weights [n, k]. */
export type ProductPricer = (m: number, n: number, k: number) => Priced;

type ProductRow = DeviceCalibration["products"][number];

interface ShapeTable {
  readonly n: number;
  readonly k: number;
  /** Ascending; `slowness[i]` is measured time over ideal time at `ms[i]` rows. */
  readonly ms: readonly number[];
  readonly slowness: readonly number[];
}

interface Ceiling {
  readonly flopsPerNs: number;
  readonly bytesPerNs: number;
}

/** Widening per unit of natural log beyond the table: one more such unit of distance may hide this much of a change of utilisation. */
const WIDEN_PER_E_FOLD = 0.5;
/** Shapes further than a factor of two (in n or k) from every measured one count as outside the table. */
const NEAR_SHAPE = 0.7;

/**
 * Prices products of one format from a device's table, in utilisation space: what is interpolated is measured time over the time the best measured
 * rate would take, which changes slowly where time itself spans decades. Along m linear in ln m; between weight shapes by inverse square distance
 * in (ln n, ln k). `undefined` where the table has no row of the format.
 *
 * Source: the device's calibration; the spread between shapes is the 90 % quantile of leave-one-shape-out residuals.
 */
export function productPricer(products: readonly ProductRow[], format: ComputeFormat, noise: number): ProductPricer | undefined {
  const known = pricers.get(products) ?? new Map<string, ProductPricer | undefined>();
  pricers.set(products, known);
  const key = `${format}/${noise}`;
  if (!known.has(key)) known.set(key, makePricer(products, format, noise));
  return known.get(key);
}

/** Pricers by table: making one looks at every pair of shapes, and a planner asks for the same few thousands of times. */
const pricers = new WeakMap<readonly ProductRow[], Map<string, ProductPricer | undefined>>();

function makePricer(products: readonly ProductRow[], format: ComputeFormat, noise: number): ProductPricer | undefined {
  const rows = products.filter((row) => row.format === format);
  if (rows.length === 0) return undefined;
  const ceiling = ceilingOf(rows, format);
  const shapes = shapeTables(rows, format, ceiling);
  const between = Math.max(noise, leaveOutSpread(shapes));
  return (m, n, k) => {
    const { slowness, distance, beyond } = readSlowness(shapes, m, n, k);
    const ns = idealNs(format, ceiling, m, n, k) * slowness;
    const outside = Math.max(0, distance - NEAR_SHAPE) + beyond;
    if (outside > 0) return { ns, spread: between + WIDEN_PER_E_FOLD * outside, basis: "extrapolated" };
    if (distance > 0) return { ns, spread: between, basis: "interpolated" };
    const exact = shapes.some((shape) => shape.n === n && shape.k === k && shape.ms.includes(m));
    return { ns, spread: noise, basis: exact ? "measured" : "interpolated" };
  };
}

function ceilingOf(rows: readonly ProductRow[], format: ComputeFormat): Ceiling {
  let flopsPerNs = 0;
  let bytesPerNs = 0;
  for (const { m, n, k, ns } of rows) {
    flopsPerNs = Math.max(flopsPerNs, (2 * m * n * k) / ns);
    bytesPerNs = Math.max(bytesPerNs, (n * k * WEIGHT_BYTES[format]) / ns);
  }
  return { flopsPerNs, bytesPerNs };
}

function idealNs(format: ComputeFormat, ceiling: Ceiling, m: number, n: number, k: number): number {
  return Math.max((2 * m * n * k) / ceiling.flopsPerNs, (n * k * WEIGHT_BYTES[format]) / ceiling.bytesPerNs);
}

function shapeTables(rows: readonly ProductRow[], format: ComputeFormat, ceiling: Ceiling): ShapeTable[] {
  const byShape = new Map<string, ProductRow[]>();
  for (const row of rows) {
    const key = `${row.n}x${row.k}`;
    const list = byShape.get(key);
    if (list === undefined) byShape.set(key, [row]);
    else list.push(row);
  }
  return [...byShape.values()].map((list) => {
    const sorted = [...list].sort((a, b) => a.m - b.m);
    const slowness = sorted.map(({ m, n, k, ns }) => ns / idealNs(format, ceiling, m, n, k));
    return { n: sorted[0]!.n, k: sorted[0]!.k, ms: sorted.map((row) => row.m), slowness };
  });
}

interface SlownessReading {
  readonly slowness: number;
  /** Distance in (ln n, ln k) to the nearest measured shape. */
  readonly distance: number;
  /** Natural log by which m lies beyond the measured rows. */
  readonly beyond: number;
}

function readSlowness(shapes: readonly ShapeTable[], m: number, n: number, k: number): SlownessReading {
  let weightSum = 0;
  let sum = 0;
  let nearest = Infinity;
  let beyond = 0;
  for (const shape of shapes) {
    const alongN = ln(n / shape.n);
    const alongK = ln(k / shape.k);
    const square = alongN * alongN + alongK * alongK;
    const reading = alongM(shape, m);
    if (square === 0) return { slowness: reading.slowness, distance: 0, beyond: reading.beyond };
    // Slowness errs by factors, so its logarithm is what is averaged.
    sum += ln(reading.slowness) / square;
    weightSum += 1 / square;
    if (square < nearest) {
      nearest = square;
      beyond = reading.beyond;
    }
  }
  return { slowness: exp(sum / weightSum), distance: Math.sqrt(nearest), beyond };
}

function alongM(shape: ShapeTable, m: number): { readonly slowness: number; readonly beyond: number } {
  const { ms, slowness } = shape;
  const last = ms.length - 1;
  if (m <= ms[0]!) return { slowness: slowness[0]!, beyond: ln(ms[0]! / m) };
  if (m >= ms[last]!) return { slowness: slowness[last]!, beyond: ln(m / ms[last]!) };
  let low = 0;
  while (ms[low + 1]! < m) low += 1;
  const share = ln(m / ms[low]!) / ln(ms[low + 1]! / ms[low]!);
  return { slowness: slowness[low]! + (slowness[low + 1]! - slowness[low]!) * share, beyond: 0 };
}

/** How wrong the table is about a shape it does not hold: each shape predicted from the others. */
function leaveOutSpread(shapes: readonly ShapeTable[]): number {
  if (shapes.length < 2) return WIDEN_PER_E_FOLD;
  const residuals: number[] = [];
  for (const left of shapes) {
    const others = shapes.filter((shape) => shape !== left);
    left.ms.forEach((m, index) => {
      const predicted = readSlowness(others, m, left.n, left.k).slowness;
      residuals.push(exp(Math.abs(ln(predicted / left.slowness[index]!))) - 1);
    });
  }
  return quantile(residuals, 0.9);
}

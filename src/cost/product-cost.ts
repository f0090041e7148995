import { exp, ln } from "../base/math.ts";
import { quantile } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";
import type { ComputeFormat, DeviceCalibration, GraphFormat } from "../rack/rack.ts";
import { BLOCK_WEIGHT_BYTES, type BlockBits } from "./block-weights.ts";
import { WEIGHT_BYTES } from "./decoder-shape.ts";
import { type Priced, scalePriced, sumPriced } from "./priced.ts";

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
  readonly weightBytes: number;
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
export function productPricer(products: readonly ProductRow[], format: GraphFormat, noise: number): ProductPricer | undefined {
  return pricerOf(products, { format, noise });
}

/**
 * As `productPricer`, of products in `block-int8` whose weights have 8 bits to the given share, else 4; `undefined` where a kind of weights that there
 * are was not measured.
 */
export function blockPricer(products: readonly ProductRow[], eight: Ratio, noise: number): ProductPricer | undefined {
  const of = (bits: BlockBits): ProductPricer | undefined => pricerOf(products, { format: "block-int8", bits, noise });
  if (eight === 0 || eight === 1) return of(eight === 1 ? 8 : 4);
  const [fours, eights] = [of(4), of(8)];
  if (fours === undefined || eights === undefined) return undefined;
  return (m, n, k) => sumPriced([scalePriced(fours(m, n, k), 1 - eight), scalePriced(eights(m, n, k), eight)]);
}

/** Which rows of a table price a product, and their scatter. */
interface ProductKind {
  readonly format: ComputeFormat;
  /** In `block-int8`. */
  readonly bits?: BlockBits;
  readonly noise: number;
}

function pricerOf(products: readonly ProductRow[], kind: ProductKind): ProductPricer | undefined {
  const known = pricers.get(products) ?? new Map<string, ProductPricer | undefined>();
  pricers.set(products, known);
  const key = `${kind.format}/${kind.bits}/${kind.noise}`;
  if (!known.has(key)) known.set(key, makePricer(products, kind));
  return known.get(key);
}

/** Pricers by table: making one looks at every pair of shapes, and a planner asks for the same few thousands of times. */
const pricers = new WeakMap<readonly ProductRow[], Map<string, ProductPricer | undefined>>();

function makePricer(products: readonly ProductRow[], { format, bits, noise }: ProductKind): ProductPricer | undefined {
  const rows = products.filter((row) => row.format === format && row.bits === bits);
  if (rows.length === 0) return undefined;
  const ceiling = ceilingOf(rows, format === "block-int8" ? BLOCK_WEIGHT_BYTES[bits ?? 8] : WEIGHT_BYTES[format]);
  const shapes = shapeTables(rows, ceiling);
  const between = Math.max(noise, leaveOutSpread(shapes));
  return (m, n, k) => {
    const { slowness, distance, beyond } = readSlowness(shapes, m, n, k);
    const ns = idealNs(ceiling, m, n, k) * slowness;
    const outside = Math.max(0, distance - NEAR_SHAPE) + beyond;
    if (outside > 0) return { ns, spread: between + WIDEN_PER_E_FOLD * outside, basis: "extrapolated" };
    if (distance > 0) return { ns, spread: between, basis: "interpolated" };
    const exact = shapes.some((shape) => shape.n === n && shape.k === k && shape.ms.includes(m));
    return { ns, spread: noise, basis: exact ? "measured" : "interpolated" };
  };
}

function ceilingOf(rows: readonly ProductRow[], weightBytes: number): Ceiling {
  let flopsPerNs = 0;
  let bytesPerNs = 0;
  for (const { m, n, k, ns } of rows) {
    flopsPerNs = Math.max(flopsPerNs, (2 * m * n * k) / ns);
    bytesPerNs = Math.max(bytesPerNs, (n * k * weightBytes) / ns);
  }
  return { flopsPerNs, bytesPerNs, weightBytes };
}

function idealNs({ flopsPerNs, bytesPerNs, weightBytes }: Ceiling, m: number, n: number, k: number): number {
  return Math.max((2 * m * n * k) / flopsPerNs, (n * k * weightBytes) / bytesPerNs);
}

function shapeTables(rows: readonly ProductRow[], ceiling: Ceiling): ShapeTable[] {
  const byShape = new Map<string, ProductRow[]>();
  for (const row of rows) {
    const key = `${row.n}x${row.k}`;
    const list = byShape.get(key);
    if (list === undefined) byShape.set(key, [row]);
    else list.push(row);
  }
  return [...byShape.values()].map((list) => {
    const sorted = [...list].sort((a, b) => a.m - b.m);
    const slowness = sorted.map(({ m, n, k, ns }) => ns / idealNs(ceiling, m, n, k));
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

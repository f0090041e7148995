import type { DeviceCalibration, KernelCalibration } from "../rack/rack.ts";
import { gridReader } from "./grid.ts";
import type { Priced } from "./priced.ts";

/** Prices the attention of one layer for `rows` new tokens of one sequence after `context` cached ones. */
export type AttentionPricer = (rows: number, context: number) => Priced;

/** Head geometry of a model; the work of attention is proportional to heads x headDim. */
export interface HeadGeometry {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Extra spread where another geometry was measured than is asked for. */
const OTHER_GEOMETRY_SPREAD = 0.2;
/** Extra spread per multiple of the table's edge beyond it. */
const OUTSIDE_SPREAD = 0.25;

/**
 * Prices attention from a device's table, bilinear in rows and context. Where only another head geometry was measured, the nearest one is scaled by
 * its work. `undefined` where the table is empty.
 *
 * Source: the device's calibration.
 */
export function attentionPricer(table: DeviceCalibration["attention"], geometry: HeadGeometry, noise: number): AttentionPricer | undefined {
  return tablePricer(
    table.map((row) => ({ ...row, x: row.rows })),
    geometry,
    noise,
  );
}

/** Prices the attention of one layer in heddle's own kernels for one new token of each of `sequences`, after `context` cached ones, as `attentionPricer` does. */
export function kernelAttentionPricer(
  table: KernelCalibration["attention"],
  geometry: HeadGeometry,
  noise: number,
): AttentionPricer | undefined {
  return tablePricer(
    table.map((row) => ({ ...row, x: row.sequences })),
    geometry,
    noise,
  );
}

interface TableRow extends HeadGeometry {
  /** Rows of one sequence, or sequences of one row. */
  readonly x: number;
  readonly context: number;
  readonly ns: number;
}

function tablePricer(table: readonly TableRow[], geometry: HeadGeometry, noise: number): AttentionPricer | undefined {
  if (table.length === 0) return undefined;
  const work = geometry.heads * geometry.headDim;
  const distance = (row: HeadGeometry): number =>
    Math.abs(row.heads * row.headDim - work) + Math.abs(row.kvHeads - geometry.kvHeads) / 1024;
  const nearest = [...table].sort((a, b) => distance(a) - distance(b))[0]!;
  const rows = table.filter((row) => row.heads === nearest.heads && row.kvHeads === nearest.kvHeads && row.headDim === nearest.headDim);
  const read = gridReader(rows.map((row) => ({ x: row.x, y: row.context, value: row.ns })));
  const scale = work / (nearest.heads * nearest.headDim);
  const same = nearest.heads === geometry.heads && nearest.kvHeads === geometry.kvHeads && nearest.headDim === geometry.headDim;
  return (count, context) => {
    const { value, exact, outside } = read(count, context);
    const spread = noise + (same ? 0 : OTHER_GEOMETRY_SPREAD) + outside * OUTSIDE_SPREAD;
    const basis = outside > 0 || !same ? "extrapolated" : exact ? "measured" : "interpolated";
    return { ns: value * scale, spread, basis };
  };
}

import { type MeasuredCurve, valueAlong } from "./measured-curves.ts";

/** Most places that measured curves share before a grid of half octaves is laid over them. */
const SHARED_PLACES_MAX = 96;
const STEP_OCTAVES = 0.5;

/** Curves of all sites of a table at the same places of the axis. */
export interface CurveGrid {
  readonly sites: number;
  readonly axis: Float64Array;
  /** Coordinates of site i from i x dimensions. */
  readonly coordinates: Float64Array;
  readonly dimensions: number;
  /** Number of each site's group. */
  readonly groups: Int32Array;
  /** Level l of site i at l x sites + i. Beyond a site's measurements: its nearest one, and `known` is 0. */
  readonly logs: Float64Array;
  readonly known: Uint8Array;
}

/** Lays the curves of one table on a common grid: the places where they were measured, or half octaves where these are too many. */
export function curveGrid(curves: readonly MeasuredCurve[]): CurveGrid {
  const axis = axisOf(curves);
  const sites = curves.length;
  const dimensions = curves[0]?.coordinates.length ?? 0;
  const coordinates = new Float64Array(sites * dimensions);
  const groups = new Int32Array(sites);
  const logs = new Float64Array(axis.length * sites);
  const known = new Uint8Array(axis.length * sites);
  const numbers = new Map<string, number>();
  for (let i = 0; i < sites; i++) {
    const curve = curves[i]!;
    coordinates.set(curve.coordinates, i * dimensions);
    const group = numbers.get(curve.group) ?? numbers.size;
    numbers.set(curve.group, group);
    groups[i] = group;
    for (let level = 0; level < axis.length; level++) {
      logs[level * sites + i] = valueAlong(curve.axis, curve.logs, axis[level]!);
      known[level * sites + i] = isWithin(curve.axis, axis[level]!) ? 1 : 0;
    }
  }
  return { sites, axis, coordinates, dimensions, groups, logs, known };
}

function isWithin(axis: Float64Array, x: number): boolean {
  return x >= axis[0]! - STEP_OCTAVES / 2 && x <= axis[axis.length - 1]! + STEP_OCTAVES / 2;
}

function axisOf(curves: readonly MeasuredCurve[]): Float64Array {
  const places = new Set<number>();
  for (const { axis } of curves) for (const at of axis) places.add(at);
  const sorted = Float64Array.from(places).sort();
  if (sorted.length <= SHARED_PLACES_MAX) return sorted;
  const low = sorted[0]!;
  const steps = Math.ceil((sorted[sorted.length - 1]! - low) / STEP_OCTAVES);
  return Float64Array.from({ length: steps + 1 }, (_, i) => low + i * STEP_OCTAVES);
}

import type { CurveGrid } from "./curve-grid.ts";
import { distance, type KernelKind, kernel } from "./kernel.ts";
import { LENGTH_OCTAVES, NOISE_VARIANCE } from "./operator-family.ts";
import { positiveInverse } from "./positive-inverse.ts";

/** Similarities of all pairs of sites, noise on the diagonal, inverted. */
export function inverseSimilarity(grid: CurveGrid, kind: KernelKind): Float64Array {
  const { sites, coordinates, dimensions } = grid;
  const matrix = new Float64Array(sites * sites);
  for (let a = 0; a < sites; a++) {
    for (let b = 0; b < a; b++) {
      const apart = distance(coordinates, a * dimensions, coordinates, b * dimensions, dimensions);
      const value = kernel(kind, apart / LENGTH_OCTAVES);
      matrix[a * sites + b] = value;
      matrix[b * sites + a] = value;
    }
    matrix[a * sites + a] = 1 + NOISE_VARIANCE;
  }
  return positiveInverse(matrix, sites);
}

/** Those sites of a grid, in the order of `members`. */
export function gridOf(grid: CurveGrid, members: Int32Array): CurveGrid {
  const { dimensions, axis } = grid;
  const sites = members.length;
  const coordinates = new Float64Array(sites * dimensions);
  const logs = new Float64Array(axis.length * sites);
  const known = new Uint8Array(axis.length * sites);
  for (let i = 0; i < sites; i++) {
    const from = members[i]!;
    for (let k = 0; k < dimensions; k++) coordinates[i * dimensions + k] = grid.coordinates[from * dimensions + k]!;
    for (let level = 0; level < axis.length; level++) {
      logs[level * sites + i] = grid.logs[level * grid.sites + from]!;
      known[level * sites + i] = grid.known[level * grid.sites + from]!;
    }
  }
  return { sites, axis, coordinates, dimensions, groups: members.map((i) => grid.groups[i]!), logs, known };
}

import { ln, pow } from "../../../base/math.ts";
import { mean, quantile } from "../../../base/statistics.ts";
import type { CurveGrid } from "./curve-grid.ts";
import { heldOutGroups } from "./held-out-groups.ts";
import { distance, type KernelKind, kernel } from "./kernel.ts";
import { LENGTH_OCTAVES, NOISE_VARIANCE } from "./operator-family.ts";
import { inverseSimilarity } from "./similarity.ts";

/** Distances to the next group over which sites share how well they are predicted: errors of kernels come in patches. */
const ERROR_SPACINGS = 1.5;
const SPACING_MIN = 0.25;
/** Weight of a level's mean error against that of a site at distance 0. */
const MEAN_WEIGHT = 0.05;
/** Variance of ln deviation below which errors say nothing of its power, and the largest power. */
const POWER_RIDGE = 0.003;
const POWER_MAX = 8;
/** Share of points that intervals shall hold. */
const COVERED = 0.9;
/** Sites whose errors scale the intervals; more take time and change nothing. */
const SITES_SCALED = 150;
/** Errors of one group are alike, so few groups know little of the next: what 1 / groups adds to the share. */
const FEW_GROUPS = 0.19;
/** Errors below this are noise of the measurement. Source: repeats in the same tables differ by 0.7 to 1.4 % in the median. */
const NOISE_LOG = 0.005;

/** Curves of sites that were not measured, from those that were: a Gaussian process over sites, one level of the axis at a time. */
export interface Surface {
  readonly grid: CurveGrid;
  /** `variance`: of the fit there, where the caller knows it. Logarithm of measured over rough time, and half-width of its 90 % interval, at each level of the grid for a site at these coordinates. */
  curve(coordinates: readonly number[], variance?: number): PredictedCurve;
}

export interface PredictedCurve {
  readonly logs: Float64Array;
  readonly halfWidths: Float64Array;
  /** Share of the sites near that were measured at each level. */
  readonly support: Float64Array;
  /** Octaves to the nearest site that was measured. */
  readonly nearest: number;
  /** True where the place lies farther out than any measured site lies from the others. */
  readonly outside: boolean;
}

/** A grid with what its fit is made of: the inverse similarity of its sites, and that times what each level deviates from its mean. */
export interface SurfaceParts {
  readonly grid: CurveGrid;
  readonly inverse: Float64Array;
  readonly means: Float64Array;
  readonly weights: Float64Array;
}

/** The parts of a whole grid. */
export function surfaceParts(grid: CurveGrid, kind: KernelKind): SurfaceParts {
  const inverse = inverseSimilarity(grid, kind);
  const means = levelMeans(grid);
  return { grid, inverse, means, weights: weightsOf(grid, inverse, means) };
}

/**
 * Fits a surface.
 *
 * Model: the mean of each level plus what similar sites deviate from it. Intervals: errors of groups left out in turn, divided by the deviation the fit
 * gives them, averaged over the sites near the one asked for; scaled so that 90 % of the left-out points lie inside, and up with the deviation there.
 * Complexity: fit sites² x levels; a curve sites² + sites x levels.
 * Source: kernels and coordinates were chosen on the H100 tables of AIConfigurator, the constants of the intervals with the coverage on its four devices in
 * view; no time of any of them enters. What they give on held-out groups: `npm run bench -- operators`.
 */
export function fitSurface({ grid, inverse, means, weights }: SurfaceParts, kind: KernelKind): Surface {
  const { sites, axis } = grid;
  const levels = axis.length;
  const errors = errorMap(grid, inverse, weights);
  return {
    grid,
    curve(coordinates, known) {
      const at = Float64Array.from(coordinates);
      const similar = new Float64Array(sites);
      const near = new Float64Array(sites);
      let nearAll = 0;
      let nearest = Infinity;
      for (let i = 0; i < sites; i++) {
        const apart = distance(at, 0, grid.coordinates, i * grid.dimensions, grid.dimensions);
        similar[i] = kernel(kind, apart / LENGTH_OCTAVES);
        near[i] = nearness(apart / errors.reach);
        nearAll += near[i]!;
        nearest = Math.min(nearest, apart);
      }
      const deviation = Math.sqrt(known ?? variance(inverse, sites, similar));
      const reach = pow(deviation, errors.power);
      const logs = new Float64Array(levels);
      const halfWidths = new Float64Array(levels);
      const support = new Float64Array(levels);
      for (let level = 0; level < levels; level++) {
        const from = level * sites;
        let sum = means[level]!;
        for (let i = 0; i < sites; i++) sum += similar[i]! * weights[from + i]!;
        logs[level] = sum;
        const { error, weight } = errorNear(errors, level, near, nearAll);
        halfWidths[level] = Math.min(errors.widest[level]!, errors.quantile * (reach * error + NOISE_LOG));
        support[level] = weight / nearAll;
      }
      return { logs, halfWidths, support, nearest, outside: deviation > errors.deviationMax };
    },
  };
}

/** Inverse similarity times what each level's logarithms deviate from their mean. */
export function weightsOf({ sites, axis, logs }: CurveGrid, inverse: Float64Array, means: Float64Array): Float64Array {
  const centred = logs.map((value, i) => value - means[Math.floor(i / sites)]!);
  const weights = new Float64Array(logs.length);
  for (let site = 0; site < sites; site++) {
    const row = inverse.subarray(site * sites, (site + 1) * sites);
    for (let level = 0; level < axis.length; level++) {
      const from = level * sites;
      let sum = 0;
      for (let i = 0; i < sites; i++) sum += row[i]! * centred[from + i]!;
      weights[from + site] = sum;
    }
  }
  return weights;
}

/** Weight of a site in the mean error at another: 1 beside it, falling with the fourth power of the distance. */
function nearness(ratio: number): number {
  const bell = 1 / (1 + ratio * ratio);
  return bell * bell;
}

function variance(inverse: Float64Array, sites: number, similar: Float64Array): number {
  let sum = 1 + NOISE_VARIANCE;
  for (let a = 0; a < sites; a++) {
    // The matrix is symmetric: below the diagonal counts twice.
    let row = 0;
    for (let b = 0; b < a; b++) row += inverse[a * sites + b]! * similar[b]!;
    sum -= similar[a]! * (2 * row + inverse[a * sites + a]! * similar[a]!);
  }
  return sum > NOISE_VARIANCE ? sum : NOISE_VARIANCE;
}

export function levelMeans({ sites, axis, logs, known }: CurveGrid): Float64Array {
  return axis.map((_, level) => {
    let sum = 0;
    let count = 0;
    for (let i = level * sites; i < (level + 1) * sites; i++) {
      sum += known[i]! * logs[i]!;
      count += known[i]!;
    }
    return count > 0 ? sum / count : 0;
  });
}

/** Errors of left-out sites in units of their deviation^power (0 where not measured), and the factor that makes them 90 % intervals. */
interface ErrorMap {
  readonly sites: number;
  /** Octaves over which sites share their errors. */
  readonly reach: number;
  readonly power: number;
  /** Largest deviation of a left-out site. */
  readonly deviationMax: number;
  /** Half-width of each level's spread over all sites: no interval is wider. */
  readonly widest: Float64Array;
  readonly errors: Float64Array;
  readonly known: Float64Array;
  /** 1 for levels at which every site was measured. */
  readonly complete: Uint8Array;
  readonly means: Float64Array;
  quantile: number;
}

function errorMap(grid: CurveGrid, inverse: Float64Array, weights: Float64Array): ErrorMap {
  const { sites, axis, groups, dimensions, coordinates } = grid;
  const { residuals, deviations } = heldOutGroups(grid, inverse, weights);
  const power = deviationPower(grid, residuals, deviations);
  const reaches = deviations.map((deviation) => pow(deviation, power));
  const raw = new Float64Array(residuals.length);
  for (let i = 0; i < raw.length; i++) raw[i] = Math.abs(residuals[i]!) / reaches[i % sites]!;
  const known = Float64Array.from(grid.known);
  const errors = smoothLevels(raw, grid).map((error, i) => error * known[i]!);
  const reach = ERROR_SPACINGS * groupSpacing(grid);
  const complete = Uint8Array.from(axis, (_, level) => (grid.known.subarray(level * sites, (level + 1) * sites).includes(0) ? 0 : 1));
  const map: ErrorMap = {
    sites,
    reach,
    complete,
    power,
    deviationMax: deviations.reduce((most, deviation) => Math.max(most, deviation), 0),
    widest: levelSpreads(grid),
    errors,
    known,
    means: levelMeans({ ...grid, logs: errors }),
    quantile: 1,
  };
  const ratios: number[] = [];
  const near = new Float64Array(sites);
  const stride = Math.ceil(sites / SITES_SCALED);
  for (let site = 0; site < sites; site += stride) {
    let nearAll = 0;
    for (let i = 0; i < sites; i++) {
      const apart = distance(coordinates, site * dimensions, coordinates, i * dimensions, dimensions);
      near[i] = groups[i] === groups[site] ? 0 : nearness(apart / reach);
      nearAll += near[i]!;
    }
    for (let level = 0; level < axis.length; level++) {
      if (known[level * sites + site] === 0) continue;
      const width = reaches[site]! * errorNear(map, level, near, nearAll).error + NOISE_LOG;
      ratios.push(Math.abs(residuals[level * sites + site]!) / width);
    }
  }
  const sorted = Float64Array.from(ratios).sort();
  // The quantile of n values that holds for the next one, as in split conformal prediction: ceil((n + 1) x share).
  const share = COVERED + FEW_GROUPS / new Set(groups).size;
  const place = Math.min(sorted.length - 1, Math.ceil((sorted.length + 1) * share) - 1);
  map.quantile = sorted.length === 0 ? Infinity : sorted[place]!;
  return map;
}

/** Median distance of a site to the nearest of another group. */
function groupSpacing({ sites, groups, coordinates, dimensions }: CurveGrid): number {
  const stride = Math.ceil(sites / SITES_SCALED);
  const nearest: number[] = [];
  for (let site = 0; site < sites; site += stride) {
    let least = Infinity;
    for (let i = 0; i < sites; i++) {
      if (groups[i] === groups[site]) continue;
      least = Math.min(least, distance(coordinates, site * dimensions, coordinates, i * dimensions, dimensions));
    }
    nearest.push(least);
  }
  const spacing = quantile(nearest, 0.5);
  return spacing < Infinity ? Math.max(spacing, SPACING_MIN) : 1;
}

/**
 * Errors grow faster towards the edge of what was measured than the fit's deviation does: the power of the deviation that fits the errors of left-out
 * sites, by least squares of logarithms drawn towards 1.
 */
function deviationPower({ sites, axis, known }: CurveGrid, residuals: Float64Array, deviations: Float64Array): number {
  const x = deviations.map((deviation) => ln(deviation));
  const y = x.map((_, site) => {
    let sum = 0;
    let count = 0;
    for (let level = 0; level < axis.length; level++) {
      sum += known[level * sites + site]! * Math.abs(residuals[level * sites + site]!);
      count += known[level * sites + site]!;
    }
    return ln(count > 0 ? sum / count + NOISE_LOG : NOISE_LOG) - x[site]!;
  });
  const meanX = mean(x);
  const meanY = mean(y);
  let across = 0;
  let along = POWER_RIDGE * sites;
  for (let site = 0; site < sites; site++) {
    across += (x[site]! - meanX) * (y[site]! - meanY);
    along += (x[site]! - meanX) * (x[site]! - meanX);
  }
  return Math.min(POWER_MAX, Math.max(0, 1 + across / along));
}

/** 90 % of the sites' distances from each level's mean. */
function levelSpreads({ sites, axis, logs, known }: CurveGrid): Float64Array {
  return axis.map((_, level) => {
    const all: number[] = [];
    for (let i = level * sites; i < (level + 1) * sites; i++) if (known[i] === 1) all.push(logs[i]!);
    const middle = quantile(all, 0.5);
    return quantile(
      all.map((value) => Math.abs(value - middle)),
      COVERED,
    );
  });
}

/** Mean error near a site at one level, drawn towards the level's mean, and the weight of the sites that were measured there. */
function errorNear(map: ErrorMap, level: number, near: Float64Array, nearAll: number): { error: number; weight: number } {
  const { sites, errors, known } = map;
  const from = level * sites;
  let sum = 0;
  for (let i = 0; i < sites; i++) sum += near[i]! * errors[from + i]!;
  let all = nearAll;
  if (map.complete[level] === 0) {
    all = 0;
    for (let i = 0; i < sites; i++) all += near[i]! * known[from + i]!;
  }
  return { error: (sum + MEAN_WEIGHT * map.means[level]!) / (all + MEAN_WEIGHT), weight: all };
}

/** Errors averaged with those of the levels beside, where they are known. */
function smoothLevels(raw: Float64Array, { sites, axis, known }: CurveGrid): Float64Array {
  const smooth = new Float64Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    let sum = 0;
    let all = 0;
    for (let step = -1; step <= 1; step++) {
      const level = Math.floor(i / sites) + step;
      if (level < 0 || level >= axis.length) continue;
      const weight = (step === 0 ? 2 : 1) * known[i + step * sites]!;
      sum += weight * raw[i + step * sites]!;
      all += weight;
    }
    smooth[i] = all > 0 ? sum / all : 0;
  }
  return smooth;
}

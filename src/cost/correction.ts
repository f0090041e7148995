import { exp, ln } from "../base/math.ts";
import { mean } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";
import { besideFactor, fitBeside } from "./correction-beside.ts";
import {
  byRun,
  type Factors,
  fitFactors,
  kindOf,
  noiseOf,
  OBSERVATIONS_MIN,
  ratio,
  scaled,
  withoutOutliers,
} from "./correction-factors.ts";
import { fitOverhead, type OverheadObservation } from "./correction-overhead.ts";
import { fitShapes, NO_SHAPES, type ShapeFactors, shapeFactor } from "./correction-shape.ts";
import { recentMean, runSpread } from "./run-spread.ts";
import type { SeenRun } from "./speed-posterior.ts";
import type { StageObservation } from "./stage-observation.ts";
import { fitLasting, type LastingNoise } from "./step-noise.ts";

/** What live runs taught about one plan's stages on one rack: factors on the tables' prices, and the overhead of an iteration. */
export interface Correction extends Factors {
  /** Factors by the size of a step, on top. */
  readonly shapes?: ShapeFactors;
  /** Factor (>= 1) on a step's time while all other cores of the memory work; the rack's where absent. */
  readonly besideSlowdown?: Ratio;
  /** Overhead of an iteration: fixed, and per sampled row. */
  readonly overheadNs: number;
  readonly overheadPerSampleNs: number;
  /** Relative 90 % half-widths: of the next run as a whole, and of single iterations within a run. */
  readonly systematic: number;
  readonly noise: number;
  /** Degrees of freedom of the first: few runs leave thick tails. */
  readonly freedom: number;
  /** What of the second lasts over iterations. */
  readonly lasting: LastingNoise;
  /** How fast each run was over what the factors say, and the probe just before it. */
  readonly seen: readonly SeenRun[];
  readonly observations: number;
  readonly runs: number;
}

export interface FitOptions {
  /** Slowdown by other cores at work that is assumed where runs do not show it: the rack's. 1 where absent. */
  readonly slowdown?: Ratio;
  /** How long ago each run was, by its number; all equally long where absent. Units: s. */
  readonly ages?: readonly number[];
  /** What probes of the machine's speed showed just before runs, under the runs' numbers. */
  readonly probes?: readonly StageObservation[];
}

/** Sizes and neighbours are learned from what the other factors leave, and the other way round. */
const PASSES = 3;

/**
 * Fits a correction to live iterations; `undefined` when there are too few to outweigh the tables.
 *
 * Model: measured = (decodeFactor x predicted decode + prefillFactor x predicted prefill) x mixedFactor where an iteration has both x factor of the
 * size x slowdown by other cores at work x the run's own speed. What is fitted to runs with both replicas at work must not be slowed down once more
 * where both work, and a table that is wrong at four rows is so at high load only. Refitted without outliers, and scaled so that each run counts
 * alike, old ones less. Overhead = fixed + per sample x rows, on means. Within-run scatter is noise; what the runs' means differ by says how far the
 * next run may lie off.
 */
export function fitCorrection(
  stages: readonly StageObservation[],
  overheads: readonly OverheadObservation[],
  { slowdown: assumed = 1, ages, probes = [] }: FitOptions = {},
): Correction | undefined {
  const usable = stages.filter((one) => one.measuredNs > 0 && one.predictedDecodeNs + one.predictedPrefillNs > 0);
  if (usable.length < OBSERVATIONS_MIN) return undefined;
  let slowdown = assumed;
  let shapes = NO_SHAPES;
  const passes = usable.some(({ decodeRows, besideShare }) => decodeRows !== undefined || besideShare !== undefined) ? PASSES : 1;
  for (let pass = 1; pass < passes; pass++) {
    const { factors, speeds } = fitPass(usable, { slowdown, shapes });
    const left = usable.map((one) => ({ one, ratio: ratio(one, factors) / speeds.get(one.run)! }));
    slowdown = fitBeside(
      left.map(({ one, ratio: all }) => ({ share: one.besideShare, ratio: all / sizeFactor(one, shapes) })),
      assumed,
    );
    shapes = fitShapes(
      left.flatMap(({ one, ratio: all }) => {
        const size = sizeOf(one);
        return size === undefined ? [] : [{ kind: kindOf(one), size, ratio: all / besideFactor(one, slowdown) }];
      }),
    );
  }
  const { factors, plain, kept, speeds } = fitPass(usable, { slowdown, shapes });
  const deviations = [...speeds].map(([run, speed]) => ({ run, deviation: ln(speed), age: ages?.[run] ?? 0 }));
  const centre = recentMean(deviations);
  const centred = scaled(factors, exp(centre));
  const probed = probeLevels(probes, { factors, known: { slowdown, shapes } });
  return {
    ...centred,
    shapes,
    ...(usable.some((one) => one.besideShare !== undefined) ? { besideSlowdown: slowdown } : {}),
    ...fitOverhead(overheads),
    ...runSpread(
      deviations.map(({ deviation }) => deviation),
      deviations.reduce((least, { age }) => Math.min(least, age), Infinity),
    ),
    seen: deviations.map(({ run, deviation, age }) => {
      const probe = probed.get(run);
      return { age, run: deviation - centre, ...(probe === undefined ? {} : { probe: probe - centre }) };
    }),
    noise: noiseOf(plain, centred),
    lasting: fitLasting(kept.map((run) => run.map((one) => ln(ratio(one, centred))))),
    observations: usable.length,
    runs: kept.length,
  };
}

interface Known {
  readonly slowdown: Ratio;
  readonly shapes: ShapeFactors;
}

interface Pass {
  readonly factors: Factors;
  /** The observations without what is known of sizes and neighbours; by run, without disturbances. */
  readonly plain: readonly StageObservation[];
  readonly kept: readonly (readonly StageObservation[])[];
  /** Mean time of each run over what the factors say, by its number. */
  readonly speeds: ReadonlyMap<number, number>;
}

function fitPass(usable: readonly StageObservation[], known: Known): Pass {
  const plain = usable.map((one) => ({ ...one, measuredNs: plainNs(one, known) }));
  const factors = fitFactors(withoutOutliers(plain, fitFactors(plain)));
  const kept = byRun(withoutOutliers(plain, factors));
  const speeds = new Map([...kept].map(([run, list]) => [run, mean(list.map((one) => ratio(one, factors)))]));
  return { factors, plain, kept: [...kept.values()], speeds };
}

/** How long steps of the probe before each run took over what the factors say, as ln, by the run's number. */
function probeLevels(
  probes: readonly StageObservation[],
  { factors, known }: Pick<Pass, "factors"> & { readonly known: Known },
): ReadonlyMap<number, number> {
  const plain = probes.map((one) => ({ ...one, measuredNs: plainNs(one, known) }));
  const byNumber = byRun(withoutOutliers(plain, factors));
  return new Map([...byNumber].map(([run, list]) => [run, ln(mean(list.map((one) => ratio(one, factors))))]));
}

function plainNs(one: StageObservation, { slowdown, shapes }: Known): number {
  return one.measuredNs / besideFactor(one, slowdown) / sizeFactor(one, shapes);
}

function sizeFactor(one: StageObservation, shapes: ShapeFactors): number {
  const size = sizeOf(one);
  return size === undefined ? 1 : shapeFactor(shapes[kindOf(one)], size);
}

/** What a step's factor depends on: its decoding rows, or its prompts' tokens where it has no rows. */
function sizeOf({ decodeRows, promptTokens }: StageObservation): number | undefined {
  return decodeRows === undefined || decodeRows > 0 ? decodeRows : promptTokens;
}

/** The corrected price of a step that works alone over the tables' two parts of it. Units: ns. */
export function correctedNs(correction: Correction, step: Omit<StageObservation, "run" | "measuredNs" | "besideShare">): number {
  const one = { ...step, run: 0, measuredNs: 0 };
  const both = one.predictedDecodeNs > 0 && one.predictedPrefillNs > 0 ? correction.mixedFactor : 1;
  const parts = correction.decodeFactor * one.predictedDecodeNs + correction.prefillFactor * one.predictedPrefillNs;
  return parts * both * sizeFactor(one, correction.shapes ?? NO_SHAPES);
}

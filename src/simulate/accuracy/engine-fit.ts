import { ln } from "../../base/math.ts";
import type { EngineConstants } from "../../cost/iteration/engines/engine-constants.ts";

/** One point of a fit: measured times, and predicted ones as linear in the constants around those they were computed with. Times in ns. */
export interface FitPoint {
  readonly weight: number;
  readonly measured: { readonly tpotNs: number; readonly ttftNs: number };
  readonly base: { readonly tpotNs: number; readonly ttftNs: number };
  /** Change of both for one unit of each constant, in the order of `FITTED`. */
  readonly slopes: readonly { readonly tpotNs: number; readonly ttftNs: number }[];
}

/** Constants a fit moves: where it begins to pull back to, how far is far, its unit, and its bounds. */
export interface FittedConstant {
  readonly name:
    | "computeFactor"
    | "attentionFactor"
    | "expertFactor"
    | "exchangeFactor"
    | "kernelNs"
    | "stepNs"
    | "sequenceNs"
    | "blackwellEight"
    | "frontNs"
    | "frontClientNs"
    | "frontMixtureNs"
    | "frontOtherNs"
    | "compileNs";
  readonly prior: number;
  readonly far: number;
  readonly least: number;
  readonly most: number;
}

/**
 * Factors on operators stay near 1: the operators' own constants were fitted on tables of each engine's kernels, and what is left to the engine are
 * times of hosts and front ends. How near was chosen by folds among the rows of a fit: of 0.004 to 0.32 for `PULL`, and 0.15 to 1 times these reaches.
 */
export const FITTED: readonly FittedConstant[] = [
  { name: "computeFactor", prior: 1, far: 0.12, least: 0.4, most: 1.8 },
  { name: "attentionFactor", prior: 1, far: 0.18, least: 0.2, most: 2.5 },
  { name: "expertFactor", prior: 1, far: 0.15, least: 0.3, most: 2.5 },
  { name: "exchangeFactor", prior: 1, far: 0.18, least: 0.2, most: 4 },
  { name: "kernelNs", prior: 0, far: 3000, least: -6000, most: 8000 },
  { name: "stepNs", prior: 500_000, far: 1_000_000, least: 0, most: 6_000_000 },
  { name: "sequenceNs", prior: 5000, far: 10_000, least: 0, most: 60_000 },
  { name: "blackwellEight", prior: 1, far: 0.09, least: 0.4, most: 1.5 },
  { name: "frontNs", prior: 50_000_000, far: 300_000_000, least: 0, most: 400_000_000 },
  { name: "frontClientNs", prior: 1_000_000, far: 18_000_000, least: 0, most: 15_000_000 },
  { name: "frontMixtureNs", prior: 0, far: 300_000_000, least: 0, most: 400_000_000 },
  { name: "frontOtherNs", prior: 0, far: 300_000_000, least: 0, most: 400_000_000 },
  { name: "compileNs", prior: 0, far: 20_000_000_000, least: 0, most: 120_000_000_000 },
];

export const PRIORS: readonly number[] = FITTED.map(({ prior }) => prior);

/** Weight of a TTFT's error beside that of a TPOT, and of the pull to the priors. */
const TTFT_WEIGHT = 0.3;
const PULL = 0.16;
/** An error beyond a factor of 1.65 counts no more: rows that something else explains must not move constants. */
const ERROR_MAX = 0.5;
const ROUNDS = 200;
const FIRST_STEP = 0.5;
const LAST_STEP = 0.01;

/**
 * Constants that meet points best, by coordinates: the weighted mean of |ln(predicted / measured)| of both times, and a pull to the priors.
 * `from` are the constants the points' bases were computed with; a constant that no point depends on stays at its prior. Complexity: rounds x constants x points.
 */
export function fitConstants(
  points: readonly FitPoint[],
  from: readonly number[],
  priors: readonly number[] = PRIORS,
): { readonly values: readonly number[]; readonly loss: number } {
  let values = from.map((value, index) => Math.min(FITTED[index]!.most, Math.max(FITTED[index]!.least, value)));
  let best = lossOf(points, { from, priors }, values);
  let step = FIRST_STEP;
  for (let round = 0; round < ROUNDS && step > LAST_STEP; round++) {
    let better = false;
    for (let index = 0; index < FITTED.length; index++) {
      const { far, least, most } = FITTED[index]!;
      for (const sign of [1, -1]) {
        const tried = [...values];
        tried[index] = Math.min(most, Math.max(least, tried[index]! + sign * step * far));
        const loss = lossOf(points, { from, priors }, tried);
        if (loss < best - 1e-9) {
          values = tried;
          best = loss;
          better = true;
        }
      }
    }
    if (!better) step /= 2;
  }
  return { values, loss: best };
}

interface Anchors {
  readonly from: readonly number[];
  readonly priors: readonly number[];
}

function lossOf(points: readonly FitPoint[], { from, priors }: Anchors, values: readonly number[]): number {
  let sum = 0;
  let weights = 0;
  for (const point of points) {
    let { tpotNs, ttftNs } = point.base;
    for (let index = 0; index < values.length; index++) {
      const by = values[index]! - from[index]!;
      tpotNs += by * point.slopes[index]!.tpotNs;
      ttftNs += by * point.slopes[index]!.ttftNs;
    }
    const { measured, weight } = point;
    sum += weight * (miss(tpotNs, measured.tpotNs) + TTFT_WEIGHT * miss(ttftNs, measured.ttftNs));
    weights += weight;
  }
  let pull = 0;
  for (let index = 0; index < values.length; index++) {
    const by = (values[index]! - priors[index]!) / FITTED[index]!.far;
    pull += by * by;
  }
  return sum / weights + PULL * pull;
}

function miss(predicted: number, measured: number): number {
  return predicted > 0 ? Math.min(ERROR_MAX, Math.abs(ln(predicted / measured))) : ERROR_MAX;
}

/** Constants as the values of a fit, in the order of `FITTED`. */
export function valuesOf({ overheads, ...others }: EngineConstants): readonly number[] {
  return FITTED.map(({ name }) =>
    name in others ? others[name as keyof typeof others] : overheads[name as keyof EngineConstants["overheads"]],
  );
}

/** The values of a fit as constants. */
export function constantsOf(values: readonly number[], eagerLayerNs: number): EngineConstants {
  const of = (name: FittedConstant["name"]): number => values[FITTED.findIndex((constant) => constant.name === name)]!;
  return {
    overheads: {
      stepNs: of("stepNs"),
      sequenceNs: of("sequenceNs"),
      layerNs: 0,
      eagerLayerNs,
      kernelNs: of("kernelNs"),
      attentionFactor: of("attentionFactor"),
      expertFactor: of("expertFactor"),
      computeFactor: of("computeFactor"),
      exchangeFactor: of("exchangeFactor"),
    },
    blackwellEight: of("blackwellEight"),
    frontNs: of("frontNs"),
    frontClientNs: of("frontClientNs"),
    frontMixtureNs: of("frontMixtureNs"),
    frontOtherNs: of("frontOtherNs"),
    compileNs: of("compileNs"),
  };
}

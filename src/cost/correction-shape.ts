import { quantile } from "../base/statistics.ts";

/** What a step is made of, as far as its correction depends on it. */
export type StepKind = "decode" | "prefill" | "mixed";

/** Factor at a size: decoding rows of a step, or tokens of a prompt's chunk where it runs alone. Between sizes it is interpolated, beyond them level. */
export interface SizeFactor {
  readonly size: number;
  readonly factor: number;
}

/** Factors by size for each kind of step, about 1; empty where nothing was learned. */
export type ShapeFactors = Readonly<Record<StepKind, readonly SizeFactor[]>>;

export const NO_SHAPES: ShapeFactors = { decode: [], prefill: [], mixed: [] };

/** A step's measured time over what the other factors say. */
export interface SizedRatio {
  readonly kind: StepKind;
  readonly size: number;
  readonly ratio: number;
}

/** Sizes at which factors are learned: the rows and chunks that calibration measures. */
const SIZES: Readonly<Record<StepKind, readonly number[]>> = {
  decode: [1, 2, 3, 4, 6, 8, 16],
  prefill: [16, 64, 128, 256, 512],
  mixed: [1, 2, 3, 4, 6, 8, 16],
};
/** A size weighs as if it had been seen this many times beside, as the kind's mean: a few steps of a size say little. */
const PRIOR_STEPS = 15;
/** Sizes seen less often are left to their neighbours. */
const SEEN_MIN = 3;

/**
 * What steps of a size take beyond their kind: tables are interpolated between few measured sizes, and each of those was measured once.
 *
 * Method: each step counts for the nearest size; a size's factor is the median of its steps, drawn to 1 by `PRIOR_STEPS`.
 */
export function fitShapes(ratios: readonly SizedRatio[]): ShapeFactors {
  return { decode: fitKind(ratios, "decode"), prefill: fitKind(ratios, "prefill"), mixed: fitKind(ratios, "mixed") };
}

function fitKind(ratios: readonly SizedRatio[], kind: StepKind): readonly SizeFactor[] {
  const sizes = SIZES[kind];
  const near = new Map<number, number[]>();
  for (const one of ratios) {
    if (one.kind !== kind) continue;
    const size = nearest(sizes, one.size);
    const list = near.get(size) ?? [];
    list.push(one.ratio);
    near.set(size, list);
  }
  return sizes.flatMap((size) => {
    const list = near.get(size) ?? [];
    if (list.length < SEEN_MIN) return [];
    const share = list.length / (list.length + PRIOR_STEPS);
    return [{ size, factor: 1 + share * (quantile(list, 0.5) - 1) }];
  });
}

/** The size that is nearest as a ratio. */
function nearest(sizes: readonly number[], size: number): number {
  let best = sizes[0]!;
  for (const one of sizes) if (apart(one, size) < apart(best, size)) best = one;
  return best;
}

function apart(a: number, b: number): number {
  return Math.max(a, b) / Math.max(1, Math.min(a, b));
}

/** The factor at a size. */
export function shapeFactor(factors: readonly SizeFactor[], size: number): number {
  const first = factors[0];
  if (first === undefined) return 1;
  if (size <= first.size) return first.factor;
  for (let i = 1; i < factors.length; i++) {
    const [low, high] = [factors[i - 1]!, factors[i]!];
    if (size <= high.size) return low.factor + ((size - low.size) / (high.size - low.size)) * (high.factor - low.factor);
  }
  return factors.at(-1)!.factor;
}

import { unreachable } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { ln, pow } from "../../base/math.ts";
import type { RopeSpec } from "./spec.ts";

/** How a model stretches its rotary positions beyond the context it was trained on. */
export type RopeScaling =
  | { readonly kind: "none" }
  | { readonly kind: "linear"; readonly factor: number }
  | LlamaRopeScaling
  | YarnRopeScaling
  /** A divisor for every pair, as GGUF stores Llama 3's scaling; length headDim / 2. */
  | { readonly kind: "divisors"; readonly divisors: ArrayLike<number> };

export interface LlamaRopeScaling {
  readonly kind: "llama3";
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  readonly originalContext: number;
}

export interface YarnRopeScaling {
  readonly kind: "yarn";
  readonly factor: number;
  readonly originalContext: number;
  readonly betaFast: number;
  readonly betaSlow: number;
  /** Given by the model, else {@link yarnAttentionFactor} of `factor`. */
  readonly attentionFactor: number;
}

export interface RopeShape {
  readonly theta: number;
  readonly headDim: number;
  readonly interleaved: boolean;
}

const TWO_PI = 6.283185307179586;
/** Smallest width of YaRN's ramp, in pairs: keeps the division finite. */
const MIN_RAMP = 0.001;

/**
 * Radians per position of every pair, scaling applied.
 *
 * Errors: `model-config-invalid` where the numbers give no finite angle.
 * Source: Su et al. 2021 (rotary positions), Peng et al. 2023 (YaRN), Llama 3.1's reference code (its bands of wavelengths).
 */
export function ropeSpec(shape: RopeShape, scaling: RopeScaling): RopeSpec {
  const { theta, headDim, interleaved } = shape;
  const base = Array.from({ length: headDim / 2 }, (_unused, i) => pow(theta, (-2 * i) / headDim));
  const attentionFactor = scaling.kind === "yarn" ? scaling.attentionFactor : 1;
  const frequencies = scaled(base, shape, scaling);
  if (!frequencies.every((frequency) => frequency >= 0 && frequency < Infinity) || !(attentionFactor < Infinity)) {
    throw new HeddleError("model-config-invalid", {
      where: "rope",
      detail: `theta ${theta} with ${scaling.kind} scaling has no finite angles`,
    });
  }
  return { theta, interleaved, frequencies, attentionFactor };
}

/** YaRN's factor on cosine and sine: 0.1 ln(factor) + 1. */
export function yarnAttentionFactor(factor: number): number {
  return factor <= 1 ? 1 : 0.1 * ln(factor) + 1;
}

function scaled(base: readonly number[], shape: RopeShape, scaling: RopeScaling): readonly number[] {
  switch (scaling.kind) {
    case "none":
      return base;
    case "linear":
      return base.map((frequency) => frequency / scaling.factor);
    case "divisors":
      return base.map((frequency, i) => frequency / (scaling.divisors[i] ?? 1));
    case "llama3":
      return base.map((frequency) => llama3Frequency(frequency, scaling));
    case "yarn":
      return yarnFrequencies(base, shape, scaling);
    default:
      return unreachable(scaling);
  }
}

function llama3Frequency(frequency: number, scaling: LlamaRopeScaling): number {
  const wavelength = TWO_PI / frequency;
  if (wavelength < scaling.originalContext / scaling.highFrequencyFactor) return frequency;
  if (wavelength > scaling.originalContext / scaling.lowFrequencyFactor) return frequency / scaling.factor;
  const turns = scaling.originalContext / wavelength;
  const smooth = (turns - scaling.lowFrequencyFactor) / (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
  return ((1 - smooth) * frequency) / scaling.factor + smooth * frequency;
}

function yarnFrequencies(base: readonly number[], shape: RopeShape, scaling: YarnRopeScaling): readonly number[] {
  const { theta, headDim } = shape;
  /** The pair that makes `turns` turns over the original context. */
  const pairOf = (turns: number): number => (headDim * ln(scaling.originalContext / (turns * TWO_PI))) / (2 * ln(theta));
  const low = Math.max(0, Math.floor(pairOf(scaling.betaFast)));
  const high = Math.min(headDim - 1, Math.ceil(pairOf(scaling.betaSlow)));
  return base.map((frequency, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / Math.max(MIN_RAMP, high - low)));
    return (frequency / scaling.factor) * ramp + frequency * (1 - ramp);
  });
}

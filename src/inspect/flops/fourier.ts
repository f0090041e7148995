import { log2 } from "../../base/math.ts";
import { constant, type Expression, multiply } from "../../graph/ir/expression.ts";
import { productOf } from "../../graph/shapes/size-arithmetic.ts";
import type { FlopRule } from "./flop-rule.ts";
import { attributeNumber, outputShape, positive, shapeAt } from "./operands.ts";

/**
 * Operations of a fast Fourier transform of n complex numbers, n·log2(n) times; half as many for real ones.
 * Source: what the FFTW project counts as 5·N·log2(N) for complex and 2.5·N·log2(N) for real transforms, fftw.org, benchFFT, methodology.
 */
const COMPLEX_FACTOR = 5;

function transform(length: number, isComplex: boolean): number {
  return Math.round(COMPLEX_FACTOR * length * log2(length) * (isComplex ? 1 : 1 / 2));
}

/** Undefined where the length depends on a size. Source: ONNX operator spec, DFT. */
export const fourier: FlopRule = (graph, operator) => {
  const x = shapeAt(graph, operator, 0);
  const out = outputShape(graph, operator);
  if (x === undefined || out?.length !== x.length || x.length < 3) return undefined;
  const given = attributeNumber(operator, "axis", Number.NaN);
  // Its axis may be an input whose value the graph does not hold: then the only axis beside those of batches, or the one that changes.
  const changed = x.findIndex((size, at) => at < x.length - 1 && positive(size) !== positive(out[at]));
  const axis = Number.isNaN(given) ? (changed >= 0 ? changed : x.length - 2) : given < 0 ? given + x.length : given;
  const length = positive(x[axis]);
  const others = x.slice(0, -1).filter((_, at) => at !== axis);
  return length === undefined ? undefined : times(others, transform(length, positive(x.at(-1)) === 2));
};

/** A transform a frame. Shapes: [B, frames, bins, 2]. Source: ONNX operator spec, STFT. */
export const shortFourier: FlopRule = (graph, operator) => {
  const out = outputShape(graph, operator);
  const signal = shapeAt(graph, operator, 0);
  const isComplex = signal?.length === 3 && positive(signal[2]) === 2;
  const bins = positive(out?.[2]);
  if (out?.length !== 4 || bins === undefined) return undefined;
  const window = positive(shapeAt(graph, operator, 2)?.[0]);
  const onesided = attributeNumber(operator, "onesided", 1) !== 0;
  return times(out.slice(0, 2), transform(window ?? (onesided ? 2 * (bins - 1) : bins), isComplex));
};

function times(sizes: readonly Expression[], each: number): Expression | undefined {
  const count = productOf(sizes);
  return count && multiply(constant(each), count);
}

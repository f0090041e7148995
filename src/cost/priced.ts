import type { Basis, Estimate } from "./estimate.ts";

/** A predicted duration on its way through the cost model: `spread` is the relative half-width of its 90 % interval. */
export interface Priced {
  readonly ns: number;
  readonly spread: number;
  readonly basis: Basis;
}

const ORDER: readonly Basis[] = ["measured", "interpolated", "extrapolated", "data-sheet"];

/** The weaker of two bases: a sum is only as good as its worst part. */
export function weakerBasis(a: Basis, b: Basis): Basis {
  return ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b;
}

/** Sum of durations whose errors are shared (the same table, device, machine): half-widths add linearly. */
export function sumPriced(parts: readonly Priced[]): Priced {
  let ns = 0;
  let width = 0;
  let basis: Basis = "measured";
  for (const part of parts) {
    ns += part.ns;
    width += part.ns * part.spread;
    basis = weakerBasis(basis, part.basis);
  }
  return { ns, spread: ns > 0 ? width / ns : 0, basis };
}

/** A multiple of a duration, with the same relative interval. */
export function scalePriced(part: Priced, factor: number): Priced {
  return { ns: part.ns * factor, spread: part.spread, basis: part.basis };
}

/**
 * A prediction to be shown. The interval is symmetric in ratios (value / (1 + s) to value x (1 + s)): durations err by factors, and are never
 * below 0.
 */
export function toEstimate(priced: Priced, source: string): Estimate {
  const valueNs = Math.round(priced.ns);
  const widest = 1 + Math.max(0, priced.spread);
  return { valueNs, lowNs: Math.floor(priced.ns / widest), highNs: Math.ceil(priced.ns * widest), basis: priced.basis, source };
}

/** Half-width of a 90 % interval from independent parts: quadrature. */
export function quadrature(...parts: readonly number[]): number {
  let sum = 0;
  for (const part of parts) sum += part * part;
  return Math.sqrt(sum);
}

import { exp, ln, pow } from "../../../base/math.ts";
import type { ExpertQuery } from "../operator-query.ts";

/** Experts and rows on one device: what a grouped product has to do. */
export interface ExpertLoad {
  /** Experts that have at least one token, in the mean. */
  touched: number;
  /** Pairs of token and expert on this device. */
  rows: number;
  /** Rows after each expert's tokens are rounded up to whole tiles. */
  padded: number;
}

/** Points at which a power law's loads are taken. */
const NODES = 12;
const load: ExpertLoad = { touched: 0, rows: 0, padded: 0 };

/**
 * Loads of the experts on the device that has most to do; the returned object is reused by the next call.
 *
 * Model: balanced: each token chooses its experts evenly; n (1 - (1 - k / N)^T) of n are touched. Power law with exponent a: loads are drawn from
 * x^-a between 1 and 0.8 T, scaled to T k in all (as the public tables of mixtures draw them); the loads are taken at even quantiles, the device is
 * the one with the largest sum.
 * Source: shared reference on mixtures, section 4; aiconfigurator's collector for the power law.
 */
export function expertLoad(query: ExpertQuery, tileRows: number): ExpertLoad {
  const { tokens, active, experts, ranks } = query;
  const held = experts / ranks.expert;
  const pairs = (tokens * active) / ranks.expert;
  load.touched = 0;
  load.rows = 0;
  load.padded = 0;
  if (query.load === "balanced") add(held, pairs / held, tileRows);
  else powerLaw(query, held, query.load.powerLaw, tileRows);
  return load;
}

/** `count` experts with `mean` rows each in the mean, a Poisson number of them. */
function add(count: number, mean: number, tileRows: number): void {
  const touched = count * (mean > 40 ? 1 : 1 - exp(-mean));
  load.touched += touched;
  load.rows += count * mean;
  // A touched expert has mean / (1 - e^-mean) rows; rounding up to a tile adds half a tile once there are many.
  const rows = touched > 0 ? (count * mean) / touched : 0;
  load.padded += touched * (rows <= tileRows ? tileRows : rows + tileRows / 2);
}

function powerLaw(query: ExpertQuery, held: number, exponent: number, tileRows: number): void {
  const { tokens, active, experts, ranks } = query;
  const top = Math.max(1, 0.8 * tokens);
  let sum = 0;
  let squares = 0;
  for (let node = 0; node < NODES; node++) {
    const value = powerQuantile((node + 0.5) / NODES, top, exponent);
    sum += value;
    squares += value * value;
  }
  const mean = sum / NODES;
  const scale = (tokens * active) / experts / mean;
  // The fullest of `ranks.expert` sums of `held` draws, as a normal distribution has it, no more than every token for every expert.
  const deviation = Math.sqrt(Math.max(0, squares / NODES - mean * mean) / held);
  const excess = ranks.expert > 1 ? deviation * Math.sqrt(2 * ln(ranks.expert)) : 0;
  const tilt = (mean + excess) / mean;
  for (let node = 0; node < NODES; node++) {
    const value = powerQuantile((node + 0.5) / NODES, top, exponent) * scale * tilt;
    add(held / NODES, Math.min(tokens, value), tileRows);
  }
}

/** Quantile of a density x^-exponent between 1 and `top`. */
function powerQuantile(share: number, top: number, exponent: number): number {
  const power = 1 - exponent;
  if (Math.abs(power) < 1e-9) return exp(share * ln(top));
  return pow(1 + share * (pow(top, power) - 1), 1 / power);
}

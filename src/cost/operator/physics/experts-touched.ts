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
const NODES = 8;
/** Largest load before scaling, over the tokens. */
const TOP_SHARE = 0.8;
/** Loads kept at most for one exponent. */
const KNOWN_MAX = 4096;
const load: ExpertLoad = { touched: 0, rows: 0, padded: 0 };

/**
 * Loads of the experts on the device that has most to do; the returned object is reused by the next call.
 *
 * Model: balanced: tokens fall on experts in turn, as public tables make them; min(n, T k / N n) of n are touched. Power law with exponent a: loads are drawn from
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
  if (query.load === "balanced") even(held, pairs, tileRows);
  else powerLaw(query, held, query.load.powerLaw, tileRows);
  // Others wait for the device that has a token, so what counts has one at least.
  if (load.touched < 1) {
    load.rows /= load.touched;
    load.padded /= load.touched;
    load.touched = 1;
  }
  return load;
}

/** Pairs dealt out to experts in turn. */
function even(held: number, pairs: number, tileRows: number): void {
  load.touched = pairs < held ? pairs : held;
  load.rows = pairs;
  const rows = pairs / load.touched;
  load.padded = load.touched * Math.ceil(rows / tileRows) * tileRows;
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
  const drawn = drawnLoads(exponent, Math.max(1, TOP_SHARE * tokens));
  const scale = (tokens * active) / experts;
  // The fullest of `ranks.expert` sums of `held` draws, as a normal distribution has it, no more than every token for every expert.
  const excess = ranks.expert > 1 ? (drawn.deviation / Math.sqrt(held)) * Math.sqrt(2 * ln(ranks.expert)) : 0;
  for (let node = 0; node < NODES; node++) {
    add(held / NODES, Math.min(tokens, drawn.loads[node]! * scale * (1 + excess)), tileRows);
  }
}

/** Loads at even quantiles over their mean, and their standard deviation over it. */
interface DrawnLoads {
  readonly loads: Float64Array;
  readonly deviation: number;
}

/** By exponent and largest load: a planner asks for the same few thousands of times, and powers are dear. */
const drawnByExponent = new Map<number, Map<number, DrawnLoads>>();

function drawnLoads(exponent: number, top: number): DrawnLoads {
  let byTop = drawnByExponent.get(exponent);
  if (byTop === undefined || byTop.size > KNOWN_MAX) {
    byTop = new Map();
    drawnByExponent.set(exponent, byTop);
  }
  const known = byTop.get(top);
  if (known !== undefined) return known;
  const loads = Float64Array.from({ length: NODES }, (_, node) => powerQuantile((node + 0.5) / NODES, top, exponent));
  const mean = loads.reduce((sum, value) => sum + value, 0) / NODES;
  const square = loads.reduce((sum, value) => sum + value * value, 0) / NODES;
  const drawn = { loads: loads.map((value) => value / mean), deviation: Math.sqrt(Math.max(0, square - mean * mean)) / mean };
  byTop.set(top, drawn);
  return drawn;
}

/** Quantile of a density x^-exponent between 1 and `top`. */
function powerQuantile(share: number, top: number, exponent: number): number {
  const power = 1 - exponent;
  if (Math.abs(power) < 1e-9) return exp(share * ln(top));
  return pow(1 + share * (pow(top, power) - 1), 1 / power);
}

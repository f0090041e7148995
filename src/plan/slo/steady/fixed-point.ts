/** Steps of the search; steep functions near their end take most. */
const STEPS_MAX = 60;
const SETTLED = 1e-3;
/** A guess closer to an end than this share of the bracket is moved to it, so that brackets shrink from both ends. */
const EDGE = 0.02;

/**
 * The least x in (0, most] at which a rising function meets its argument, f(x) <= x, to a part in a thousand; undefined where it stays above.
 *
 * Model: doubling up to the first x that is above f, as the function may rise past its argument again; then false position within that bracket.
 */
export function fixedPoint(f: (x: number) => number, most: number): number | undefined {
  if (!(most > 0)) return undefined;
  let low = 0;
  let under = f(0);
  let high = Math.min(1, most);
  let over = f(high) - high;
  while (!(over <= 0)) {
    if (high >= most) return undefined;
    low = high;
    under = over;
    high = Math.min(2 * high, most);
    over = f(high) - high;
  }
  for (let step = 0; step < STEPS_MAX && high - low > SETTLED * Math.max(1, high); step++) {
    const guess = under === Number.POSITIVE_INFINITY ? high : low + ((high - low) * under) / (under - over);
    const edge = EDGE * (high - low);
    const at = Math.min(high - edge, Math.max(low + edge, guess));
    const value = f(at) - at;
    if (value > 0) {
      low = at;
      under = value;
    } else {
      high = at;
      over = value;
    }
    if (Math.abs(value) <= SETTLED * Math.max(1, at)) return at;
  }
  return high;
}

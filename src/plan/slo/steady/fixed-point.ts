/** Steps of the search; steep functions near their end take most. */
const STEPS_MAX = 60;
const SETTLED = 1e-3;
/** A guess closer to an end than this share of the bracket is moved to it, so that brackets shrink from both ends. */
const EDGE = 0.02;

/**
 * Where a rising function meets its argument, to a part in a thousand: the least x in (0, most] with f(x) <= x.
 *
 * Model: false position within a bracket. Undefined where f stays above: the load is more than the limit holds.
 */
export function fixedPoint(f: (x: number) => number, most: number): number | undefined {
  if (most <= 0) return undefined;
  let high = most;
  let over = f(high) - high;
  if (over > 0) return undefined;
  let low = 0;
  let under = f(0);
  // Queues of few are far below the limit: the function itself leads there fast.
  for (let step = 0; step < STEPS_MAX && high - low > SETTLED * Math.max(1, high); step++) {
    const guess = low + ((high - low) * under) / (under - over);
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

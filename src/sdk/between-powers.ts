import type { Bindings } from "../graph/ir/expression.ts";

/**
 * Values of a slow function of sizes, for any sizes: it is asked at powers of two alone, once each, and what lies between is taken to be straight.
 *
 * Why: a decoder's past is longer in every run, and pricing each of a thousand operators anew takes longer than running it.
 */
export function betweenPowers(compute: (sizes: Bindings) => readonly number[]): (sizes: Bindings) => readonly number[] {
  const known = new Map<string, readonly number[]>();
  const at = (sizes: Bindings): readonly number[] => {
    const key = JSON.stringify(sizes);
    const found = known.get(key) ?? compute(sizes);
    known.set(key, found);
    return found;
  };
  return (sizes) => {
    const names = Object.keys(sizes).sort();
    const all = (of: (value: number) => number): Record<string, number> =>
      Object.fromEntries(names.map((name) => [name, of(sizes[name]!)]));
    const [low, high] = [all(powerBelow), all((value) => (powerBelow(value) === value ? value : 2 * powerBelow(value)))];
    const sum = (of: Bindings): number => names.reduce((total, name) => total + of[name]!, 0);
    const span = sum(high) - sum(low);
    const from = at(low);
    if (span === 0) return from;
    const share = (sum(sizes) - sum(low)) / span;
    const to = at(high);
    return from.map((value, i) => value + (to[i]! - value) * share);
  };
}

/** The largest power of two that is not larger; sizes below 1 stay as they are. */
function powerBelow(value: number): number {
  let power = 1;
  while (2 * power <= value) power *= 2;
  return value < 1 ? value : power;
}

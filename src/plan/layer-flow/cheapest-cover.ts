/** Something that covers a part of a need at a price. */
export interface Cover {
  readonly price: number;
  readonly size: number;
  /** What it is one of. */
  readonly kind: number;
}

export interface CoverNeed {
  readonly size: number;
  /** Covers at least. */
  readonly count: number;
  /** Covers of each kind at most. */
  readonly limits: readonly number[];
}

/** Steps after which the search gives way to the bound by the best price for size. */
const STEPS_MAX = 20_000;

/**
 * A price below which no covers reach a need: the least there is, or a bound on it where the search is cut.
 *
 * Complexity: depth-first over covers by rising price for size; few fit into a need, so it ends soon.
 */
export function cheapestCover(covers: readonly Cover[], { size, count, limits }: CoverNeed): number {
  const useful = covers.filter((cover) => cover.size > 0).sort((a, b) => a.price / a.size - b.price / b.size || b.size - a.size);
  if (useful.length === 0) return size <= 0 && count <= 0 ? 0 : Infinity;
  const ratio = useful[0]!.price / useful[0]!.size;
  const cheapest = useful.reduce((least, { price }) => Math.min(least, price), Infinity);
  const left = Int32Array.from(limits);
  let best = Infinity;
  let steps = 0;
  const least = (rest: number, more: number): number => Math.max(Math.max(0, rest) * ratio, Math.max(0, more) * cheapest);
  const grow = (from: number, price: number, { rest, more }: { readonly rest: number; readonly more: number }): void => {
    if (rest <= 0 && more <= 0) {
      best = Math.min(best, price);
      return;
    }
    for (let i = from; i < useful.length && steps < STEPS_MAX; i++) {
      const cover = useful[i]!;
      const next = { rest: rest - cover.size, more: more - 1 };
      steps++;
      if (left[cover.kind] === 0 || price + cover.price + least(next.rest, next.more) >= best) continue;
      left[cover.kind] = left[cover.kind]! - 1;
      grow(i, price + cover.price, next);
      left[cover.kind] = left[cover.kind]! + 1;
    }
  };
  grow(0, 0, { rest: size, more: count });
  return steps < STEPS_MAX ? best : Math.min(best, least(size, count));
}

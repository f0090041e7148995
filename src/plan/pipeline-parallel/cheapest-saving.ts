/** A way to save memory: what it costs in time, what it saves in bytes. */
export interface Saving {
  readonly cost: number;
  readonly bytes: number;
}

/** One set of savings that reaches what was asked for. */
export interface SavingSet {
  readonly cost: number;
  /** Chosen saving of every item, -1 for none. */
  readonly chosen: Int32Array;
  /** No cheaper set exists; false where the list of partial sets was cut. */
  readonly exact: boolean;
}

/** A partial set: the last choice and the set before it. */
interface Partial {
  readonly cost: number;
  readonly bytes: number;
  readonly item: number;
  readonly option: number;
  readonly before: Partial | undefined;
}

/** Partial sets kept at most. */
const KEPT_MAX = 4000;

/**
 * Cheapest way to save `needed` bytes with at most one saving of each item: a multiple-choice knapsack by lists of undominated partial sets.
 *
 * Complexity: O(items x options x list), the list being short where many items are alike: sets that differ in which of equal items they take coincide.
 * `undefined` where all savings together do not reach it.
 */
export function cheapestSaving(items: readonly (readonly Saving[])[], needed: number): SavingSet | undefined {
  const most = items.map((options) => options.reduce((best, { bytes }) => Math.max(best, bytes), 0));
  let rest = most.reduce((sum, bytes) => sum + bytes, 0);
  if (rest < needed) return undefined;
  // Equal items in a row.
  const order = [...items.keys()].sort((a, b) => perByte(items[a]!) - perByte(items[b]!) || (most[b] ?? 0) - (most[a] ?? 0) || a - b);
  let list: Partial[] = [{ cost: 0, bytes: 0, item: -1, option: -1, before: undefined }];
  let exact = true;
  for (const item of order) {
    rest -= most[item]!;
    const grown = list.slice();
    for (const before of list) {
      if (before.bytes >= needed) continue;
      items[item]!.forEach(({ cost, bytes }, option) => {
        grown.push({ cost: before.cost + cost, bytes: before.bytes + bytes, item, option, before });
      });
    }
    list = undominated(grown, needed, needed - rest);
    if (list.length > KEPT_MAX) {
      list = list.filter((_set, i) => i % 2 === 0 || i + 1 === list.length);
      exact = false;
    }
  }
  const best = list.find(({ bytes }) => bytes >= needed);
  if (best === undefined) return undefined;
  const chosen = new Int32Array(items.length).fill(-1);
  for (let at: Partial | undefined = best; at !== undefined && at.item >= 0; at = at.before) chosen[at.item] = at.option;
  return { cost: best.cost, chosen, exact };
}

/** Sets by rising cost, each saving more than all cheaper ones; none that cannot reach `needed` any more, and one at most that has. */
function undominated(sets: Partial[], needed: number, least: number): Partial[] {
  sets.sort((a, b) => a.cost - b.cost || b.bytes - a.bytes);
  const kept: Partial[] = [];
  let saved = -1;
  for (const set of sets) {
    if (set.bytes <= saved || set.bytes < least) continue;
    kept.push(set);
    saved = set.bytes;
    if (saved >= needed) break;
  }
  return kept;
}

function perByte(options: readonly Saving[]): number {
  return options.reduce((least, { cost, bytes }) => Math.min(least, cost / bytes), Infinity);
}

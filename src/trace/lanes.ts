import type { Slice } from "./timeline.ts";

/** A slice's place: which lane of its track. */
export interface Laid {
  readonly slice: number;
  readonly lane: number;
}

/**
 * Gives slices of one track lanes, so that in each lane any two are nested or apart; viewers draw nothing else rightly. A slice goes to the first lane
 * where it fits.
 *
 * Returns them sorted by start, longer ones first: the order in which a lane is read. Complexity: slices x lanes.
 */
export function layOut(slices: readonly Slice[], members: readonly number[]): readonly Laid[] {
  const length = (i: number): number => slices[i]!.endNs - slices[i]!.startNs;
  const order = [...members].sort((a, b) => slices[a]!.startNs - slices[b]!.startNs || length(b) - length(a) || a - b);
  /** For each lane the ends of slices that are open, outermost first. */
  const lanes: number[][] = [];
  return order.map((i) => {
    const { startNs, endNs } = slices[i]!;
    let lane = lanes.findIndex((open) => {
      while (open.length > 0 && open.at(-1)! <= startNs) open.pop();
      return open.length === 0 || endNs <= open.at(-1)!;
    });
    if (lane === -1) lane = lanes.push([]) - 1;
    lanes[lane]!.push(endNs);
    return { slice: i, lane };
  });
}

/** A box to be placed; edges are pairs of places in the list of boxes, from first to second. */
export interface Sized {
  readonly width: number;
  readonly height: number;
}

export type Edge = readonly [number, number];

export interface Placed {
  /** Left and upper edge of every box. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly width: number;
  readonly height: number;
}

/** Neighbours of every box, by direction. */
export interface Neighbours {
  readonly before: readonly (readonly number[])[];
  readonly after: readonly (readonly number[])[];
}

/** Edges that lead back in the order of the boxes are left out: what remains has no cycle. */
export function neighboursOf(count: number, edges: readonly Edge[]): Neighbours {
  const before: number[][] = Array.from({ length: count }, () => []);
  const after: number[][] = Array.from({ length: count }, () => []);
  for (const [from, to] of edges) {
    if (from >= to) continue;
    after[from]!.push(to);
    before[to]!.push(from);
  }
  return { before, after };
}

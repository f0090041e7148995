import { assert } from "../base/assert.ts";

/** Working KV of running sequences: lanes padded to the longest one; plain data. */
export interface Lanes {
  readonly capacityPages: number;
  /** Pages of each lane; 0 for a closed one. */
  readonly pages: Int32Array;
}

export function createLanes(maxSequences: number, capacityPages: number): Lanes {
  assert(maxSequences >= 1 && capacityPages >= 1, "a replica has lanes and pages", { maxSequences, capacityPages });
  return { capacityPages, pages: new Int32Array(maxSequences) };
}

/**
 * Pages a lane of `pages` pages is padded to: 1, 2, 3, 4, then steps of an eighth to a quarter of the size, so that lanes are laid out anew
 * only now and then.
 */
export function paddedPages(pages: number): number {
  if (pages <= 4) return pages;
  let step = 1;
  while (step * 8 < pages) step *= 2;
  return Math.ceil(pages / step) * step;
}

/** Lowest closed lane, so that open lanes stay dense; `undefined` when all are open. */
export function lowestFreeLane(lanes: Lanes): number | undefined {
  const at = lanes.pages.indexOf(0);
  return at < 0 ? undefined : at;
}

/** Pages held now: (highest open lane + 1) x (padded pages of the longest lane). */
export function workingPages(lanes: Lanes): number {
  return padded(lanes, -1, 0, 0);
}

/** Whether `lane` may hold `pages` pages without going over the capacity, with `sparePages` more in every lane. */
export function laneFits(lanes: Lanes, lane: number, pages: number, sparePages = 0): boolean {
  return padded(lanes, lane, pages, sparePages) <= lanes.capacityPages;
}

export function setLanePages(lanes: Lanes, lane: number, pages: number): void {
  assert(pages >= 1, "an open lane has a page", { lane, pages });
  assert(laneFits(lanes, lane, pages), "lanes stay within their pages", { lane, pages, capacity: lanes.capacityPages });
  lanes.pages[lane] = pages;
}

export function closeLane(lanes: Lanes, lane: number): void {
  assert(lanes.pages[lane]! > 0, "an open lane is closed once", { lane });
  lanes.pages[lane] = 0;
}

export function openLanes(lanes: Lanes): number {
  let open = 0;
  for (const pages of lanes.pages) if (pages > 0) open++;
  return open;
}

function padded(lanes: Lanes, changed: number, changedPages: number, sparePages: number): number {
  let highest = -1;
  let longest = 0;
  for (let lane = 0; lane < lanes.pages.length; lane++) {
    const pages = lane === changed ? changedPages : lanes.pages[lane]!;
    if (pages === 0) continue;
    highest = lane;
    if (pages > longest) longest = pages;
  }
  return (highest + 1) * paddedPages(longest + sparePages);
}

import { assert } from "../base/assert.ts";

/** Working KV of running sequences: the pages each lane may take; plain data. */
export interface Lanes {
  readonly capacityPages: number;
  /** Pages of each lane; 0 for a closed one. */
  readonly pages: Int32Array;
}

/** No lane open. Units: pages of 64 tokens. */
export function createLanes(maxSequences: number, capacityPages: number): Lanes {
  assert(maxSequences >= 1 && capacityPages >= 1, "a replica has lanes and pages", { maxSequences, capacityPages });
  return { capacityPages, pages: new Int32Array(maxSequences) };
}

/** Lowest closed lane; `undefined` when all are open. */
export function lowestFreeLane(lanes: Lanes): number | undefined {
  const at = lanes.pages.indexOf(0);
  return at < 0 ? undefined : at;
}

/** Pages held now. */
export function workingPages(lanes: Lanes): number {
  let sum = 0;
  for (const pages of lanes.pages) sum += pages;
  return sum;
}

/** Whether `lane` may hold `pages` pages without going over the capacity, with `sparePages` more in every open lane and this one. */
export function laneFits(lanes: Lanes, lane: number, pages: number, sparePages = 0): boolean {
  const held = lanes.pages[lane]!;
  const spare = sparePages * (openLanes(lanes) + (held === 0 ? 1 : 0));
  return workingPages(lanes) - held + pages + spare <= lanes.capacityPages;
}

/** Opens a lane, or changes how many pages it holds. Errors: an assertion where they are more than are free. */
export function setLanePages(lanes: Lanes, lane: number, pages: number): void {
  assert(pages >= 1, "an open lane has a page", { lane, pages });
  assert(laneFits(lanes, lane, pages), "lanes stay within their pages", { lane, pages, capacity: lanes.capacityPages });
  lanes.pages[lane] = pages;
}

/** Gives all pages of a lane back. */
export function closeLane(lanes: Lanes, lane: number): void {
  assert(lanes.pages[lane]! > 0, "an open lane is closed once", { lane });
  lanes.pages[lane] = 0;
}

/** How many lanes are open. */
export function openLanes(lanes: Lanes): number {
  let open = 0;
  for (const pages of lanes.pages) if (pages > 0) open++;
  return open;
}

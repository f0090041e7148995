import { assert } from "../../../base/assert.ts";
import { BLOCK_TOKENS } from "../../../state/block.ts";

/** Pages of keys and values of decoding sequences, in no order: what decode graphs read. */
export interface PagePool {
  /** One a layer and kind, [capacity, KV, T, D]; the system gives memory as pages are first written. */
  readonly buffers: readonly Float32Array[];
  /** Floats of one page in one buffer: KV·T·D. */
  readonly pageFloats: number;
  /** Lane of each page, -1 for a free one; and which of the lane's pages it is. */
  readonly lanes: Int32Array;
  readonly places: Int32Array;
  /** Pages of each lane, in the order of its tokens. */
  readonly pages: readonly number[][];
  /** Pages up to the last one in use: what a decode step lays before the graph, free ones among them included. */
  used: number;
}

export interface PageShape {
  readonly buffers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** A pool of free pages: in memory of its own, or in `memory`, which has room for `capacity` pages a layer and kind. */
export function createPagePool(
  { buffers, kvHeads, headDim }: PageShape,
  {
    capacity,
    maxSequences,
    memory,
  }: { readonly capacity: number; readonly maxSequences: number; readonly memory?: readonly Float32Array[] | undefined },
): PagePool {
  const pageFloats = kvHeads * BLOCK_TOKENS * headDim;
  const fits = memory === undefined || (memory.length === buffers && memory.every(({ length }) => length === capacity * pageFloats));
  assert(fits, "memory is that of the pool's pages", { buffers, floats: capacity * pageFloats });
  return {
    buffers: memory ?? Array.from({ length: buffers }, () => new Float32Array(capacity * pageFloats)),
    pageFloats,
    lanes: new Int32Array(capacity).fill(-1),
    places: new Int32Array(capacity),
    pages: Array.from({ length: maxSequences }, () => []),
    used: 0,
  };
}

/** Gives a lane one more page: the lowest free one. Errors: an assertion when the plan's pages are all in use, which the engine prevents. */
export function takePage(pool: PagePool, lane: number): number {
  const page = pool.lanes.indexOf(-1);
  assert(page >= 0, "the pages of all lanes are within the plan's", { lane, capacity: pool.lanes.length });
  const pages = pool.pages[lane]!;
  pool.lanes[page] = lane;
  pool.places[page] = pages.length;
  pages.push(page);
  if (page >= pool.used) pool.used = page + 1;
  return page;
}

export function freePages(pool: PagePool, lane: number): void {
  for (const page of pool.pages[lane]!) pool.lanes[page] = -1;
  pool.pages[lane]!.length = 0;
  dropTail(pool);
}

/** Moves up to `most` of the last pages into free places before them: a hole costs every step as much as a page, its move only once. */
export function compactPages(pool: PagePool, most: number): void {
  for (let moved = 0; moved < most; moved++) {
    const hole = pool.lanes.indexOf(-1);
    if (hole < 0 || hole >= pool.used) return;
    const last = pool.used - 1;
    const size = pool.pageFloats;
    for (const buffer of pool.buffers) buffer.copyWithin(hole * size, last * size, (last + 1) * size);
    const lane = pool.lanes[last]!;
    const place = pool.places[last]!;
    pool.pages[lane]![place] = hole;
    pool.lanes[hole] = lane;
    pool.places[hole] = place;
    pool.lanes[last] = -1;
    dropTail(pool);
  }
}

function dropTail(pool: PagePool): void {
  while (pool.used > 0 && pool.lanes[pool.used - 1] === -1) pool.used--;
}

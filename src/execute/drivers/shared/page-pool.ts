import { assert } from "../../../base/assert.ts";
import { BLOCK_TOKENS } from "../../../state/block.ts";

/** Working pages in a form of their owner's: each is put and read as a whole, [KV, T, D] in f32. */
export interface PageStore {
  /** Layers times kinds. */
  readonly buffers: number;
  /** Of one page of one layer, keys and values together. */
  readonly bytes: number;
  /** Rounds [KV, T, D] to what the form holds. */
  put(buffer: number, page: number, values: Float32Array): void;
  /** The same of [T, KV, D], where the store takes it so. */
  putTokens?(buffer: number, page: number, values: Float32Array): void;
  /** What was put, or a decode step wrote: to put it again changes nothing. */
  read(buffer: number, page: number, to: Float32Array): void;
  /** A page's bytes where they lie: copied to another page of the buffer, they are its keys or values as they were. */
  held(buffer: number, page: number): Uint8Array;
}

/** Pages in f32 arrays, [capacity, KV, T, D] a layer and kind. */
export function floatPages(pages: readonly Float32Array[], pageFloats: number): PageStore {
  const at = (buffer: number, page: number): Float32Array => pages[buffer]!.subarray(page * pageFloats, (page + 1) * pageFloats);
  return {
    buffers: pages.length,
    bytes: 2 * pageFloats * Float32Array.BYTES_PER_ELEMENT,
    put: (buffer, page, values) => at(buffer, page).set(values),
    read: (buffer, page, to) => to.set(at(buffer, page)),
    held: (buffer, page) => {
      const floats = at(buffer, page);
      return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
    },
  };
}

/** Pages of keys and values of decoding sequences, in no order. */
export interface PagePool {
  /** One a layer and kind, [capacity, KV, T, D], as decode graphs read them; none where pages lie in a store. The system gives memory as pages are first written. */
  readonly buffers: readonly Float32Array[];
  readonly store: PageStore | undefined;
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

/** A pool of free pages: in memory of its own, or in a store, which has room for `capacity` pages a layer and kind. */
export function createPagePool(
  { buffers, kvHeads, headDim }: PageShape,
  { capacity, maxSequences, store }: { readonly capacity: number; readonly maxSequences: number; readonly store?: PageStore | undefined },
): PagePool {
  const pageFloats = kvHeads * BLOCK_TOKENS * headDim;
  assert(store === undefined || store.buffers === buffers, "a store is that of the pool's pages", { buffers });
  return {
    buffers: store === undefined ? Array.from({ length: buffers }, () => new Float32Array(capacity * pageFloats)) : [],
    store,
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

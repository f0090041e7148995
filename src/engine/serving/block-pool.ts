import { assert } from "../../base/assert.ts";
import { deleteKey, emptyIntTable, type IntTable, insertKey } from "../../base/int-table.ts";
import { addHolder, type HolderIndex, removeHolder } from "./holder-index.ts";
import { clearTier, type KeyTier, storeKey } from "./key-tier.ts";

/**
 * KV blocks of one replica, as counts. Blocks that are used together are an **extent**: those of one key of a prompt, or those a request
 * left behind. An extent that nothing refers to waits in the free queue, oldest first; its blocks are taken from its end, as engines free a
 * sequence from its last block, so what is left of it is always a prefix.
 *
 * Why extents: taking n blocks costs the extents touched, not n, and the order of eviction stays that of single blocks.
 */
export interface BlockPool {
  /** Blocks a request can use. */
  readonly capacity: number;
  /** Blocks a whole key has. */
  readonly keyBlocks: number;
  /** Told which keys this pool holds whole, under the number of its replica. */
  readonly holders: HolderIndex;
  readonly replica: number;
  /** Where whole keys go that lose a block; undefined where nothing is kept outside. */
  readonly tier: KeyTier | undefined;
  /** Blocks never used so far; they go first. */
  fresh: number;
  /** Fresh blocks and those of the free queue. */
  free: number;
  /** Key -> extent. */
  readonly table: IntTable;
  /** Columns by extent. */
  key: Int32Array;
  size: Int32Array;
  refs: Int32Array;
  /** Request whose preempted blocks these are; -1 otherwise. */
  owner: Int32Array;
  /** Node in `holders`; -1 where the key is not whole. */
  node: Int32Array;
  previous: Int32Array;
  next: Int32Array;
  /** Ends of the free queue; -1 where it is empty. */
  oldest: number;
  newest: number;
  /** Extents that are not in use, linked by `next`. */
  spare: number;
  extents: number;
}

const EXTENTS_FIRST = 32;
export const NO_KEY = -1;

export interface BlockPoolOptions {
  readonly capacity: number;
  readonly keyBlocks: number;
  readonly holders: HolderIndex;
  readonly replica: number;
  readonly tier?: KeyTier | undefined;
}

export function blockPool(options: BlockPoolOptions): BlockPool {
  const { capacity } = options;
  const column = (): Int32Array => new Int32Array(EXTENTS_FIRST);
  const ends = { oldest: -1, newest: -1, spare: -1, extents: 0 };
  const columns = { key: column(), size: column(), refs: column(), owner: column(), node: column(), previous: column(), next: column() };
  return { ...options, tier: options.tier, fresh: capacity, free: capacity, table: emptyIntTable(), ...columns, ...ends };
}

/** Takes blocks: fresh ones, then those of the oldest extents, whose content is thereby lost. */
export function takeBlocks(pool: BlockPool, count: number, parked: Int32Array): void {
  assert(count <= pool.free, "more KV blocks taken than are free", count);
  pool.free -= count;
  const fresh = count < pool.fresh ? count : pool.fresh;
  pool.fresh -= fresh;
  let wanted = count - fresh;
  while (wanted > 0) {
    const extent = pool.oldest;
    const size = pool.size[extent]!;
    if (size > wanted) {
      evictKey(pool, extent);
      pool.size[extent] = size - wanted;
      return;
    }
    wanted -= size;
    dropOldest(pool, parked);
  }
}

function dropOldest(pool: BlockPool, parked: Int32Array): void {
  const extent = pool.oldest;
  unlink(pool, extent);
  const key = pool.key[extent]!;
  if (key !== NO_KEY) {
    evictKey(pool, extent);
    deleteKey(pool.table, key);
  }
  const owner = pool.owner[extent]!;
  if (owner >= 0) parked[owner] = -1;
  retire(pool, extent);
}

/** A whole key that a request has computed: others may refer to it from now on. */
export function publishKey(pool: BlockPool, key: number): number {
  const extent = newExtent(pool);
  pool.key[extent] = key;
  pool.size[extent] = pool.keyBlocks;
  pool.refs[extent] = 1;
  insertKey(pool.table, key, extent);
  pool.node[extent] = addHolder(pool.holders, key, pool.replica);
  return extent;
}

/** A request has computed what was missing of a key. Returns the blocks that were. */
export function completeKey(pool: BlockPool, extent: number): number {
  const missing = pool.keyBlocks - pool.size[extent]!;
  if (missing > 0) pool.node[extent] = addHolder(pool.holders, pool.key[extent]!, pool.replica);
  pool.size[extent] = pool.keyBlocks;
  return missing;
}

/** Forgets everything, the tier of its host included: the memory is gone, or given back. */
export function resetPool(pool: BlockPool, parked: Int32Array): void {
  for (let extent = 0; extent < pool.extents; extent++) {
    const key = pool.key[extent]!;
    if (pool.size[extent] === 0) continue;
    if (key !== NO_KEY) {
      noLongerWhole(pool, extent);
      deleteKey(pool.table, key);
    }
    if (pool.owner[extent]! >= 0) parked[pool.owner[extent]!] = -1;
  }
  if (pool.tier !== undefined) clearTier(pool.tier);
  pool.size.fill(0);
  pool.refs.fill(0);
  pool.fresh = pool.capacity;
  pool.free = pool.capacity;
  pool.oldest = -1;
  pool.newest = -1;
  pool.spare = -1;
  pool.extents = 0;
}

function evictKey(pool: BlockPool, extent: number): void {
  if (pool.tier !== undefined && pool.node[extent]! >= 0) storeKey(pool.tier, pool.key[extent]!);
  noLongerWhole(pool, extent);
}

function noLongerWhole(pool: BlockPool, extent: number): void {
  const node = pool.node[extent]!;
  if (node < 0) return;
  removeHolder(pool.holders, pool.key[extent]!, node);
  pool.node[extent] = -1;
}

/** Blocks that can be taken, up to `enough`, without a key that is whole losing one. */
export function blocksWithoutKeys(pool: BlockPool, enough: number): number {
  let blocks = pool.fresh;
  for (let extent = pool.oldest; extent >= 0 && blocks < enough && pool.node[extent]! < 0; extent = pool.next[extent]!) {
    blocks += pool.size[extent]!;
  }
  return blocks;
}

/** Keeps an extent from eviction. */
export function referTo(pool: BlockPool, extent: number): void {
  if (pool.refs[extent] === 0) {
    unlink(pool, extent);
    pool.free -= pool.size[extent]!;
  }
  pool.refs[extent]! += 1;
}

export function dropReference(pool: BlockPool, extent: number): void {
  const refs = pool.refs[extent]! - 1;
  assert(refs >= 0, "an extent of KV blocks was let go twice", extent);
  pool.refs[extent] = refs;
  if (refs > 0) return;
  pool.free += pool.size[extent]!;
  link(pool, extent);
}

/** Gives back blocks that no key names; `owner` may want them back after a preemption. Returns their extent, -1 where there is none. */
export function giveBack(pool: BlockPool, count: number, owner: number): number {
  if (count === 0) return -1;
  pool.free += count;
  const last = pool.newest;
  if (owner < 0 && last >= 0 && pool.key[last] === NO_KEY && pool.owner[last]! < 0) {
    pool.size[last]! += count;
    return last;
  }
  const extent = newExtent(pool);
  pool.key[extent] = NO_KEY;
  pool.size[extent] = count;
  pool.refs[extent] = 0;
  pool.owner[extent] = owner;
  link(pool, extent);
  return extent;
}

/** A preempted request takes back what is left of its own blocks. */
export function reclaim(pool: BlockPool, extent: number): number {
  const size = pool.size[extent]!;
  pool.free -= size;
  unlink(pool, extent);
  retire(pool, extent);
  return size;
}

function newExtent(pool: BlockPool): number {
  const spare = pool.spare;
  if (spare >= 0) {
    pool.spare = pool.next[spare]!;
    pool.owner[spare] = -1;
    pool.node[spare] = -1;
    return spare;
  }
  if (pool.extents === pool.key.length) grow(pool);
  const extent = pool.extents++;
  pool.owner[extent] = -1;
  pool.node[extent] = -1;
  return extent;
}

function retire(pool: BlockPool, extent: number): void {
  pool.size[extent] = 0;
  pool.next[extent] = pool.spare;
  pool.spare = extent;
}

function link(pool: BlockPool, extent: number): void {
  pool.previous[extent] = pool.newest;
  pool.next[extent] = -1;
  if (pool.newest >= 0) pool.next[pool.newest] = extent;
  else pool.oldest = extent;
  pool.newest = extent;
}

function unlink(pool: BlockPool, extent: number): void {
  const before = pool.previous[extent]!;
  const after = pool.next[extent]!;
  if (before >= 0) pool.next[before] = after;
  else pool.oldest = after;
  if (after >= 0) pool.previous[after] = before;
  else pool.newest = before;
}

function grow(pool: BlockPool): void {
  const length = pool.key.length * 2;
  const longer = (old: Int32Array): Int32Array => {
    const column = new Int32Array(length);
    column.set(old);
    return column;
  };
  pool.key = longer(pool.key);
  pool.size = longer(pool.size);
  pool.refs = longer(pool.refs);
  pool.owner = longer(pool.owner);
  pool.node = longer(pool.node);
  pool.previous = longer(pool.previous);
  pool.next = longer(pool.next);
}

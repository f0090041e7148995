import { lookUp } from "../../base/int-table.ts";
import { type BlockPool, completeKey, dropReference, giveBack, publishKey, reclaim, referTo, takeBlocks } from "./block-pool.ts";
import { holdsKey } from "./key-tier.ts";
import { knownTokens, type RequestTable } from "./request-table.ts";

/** What a pool holds of a request's text, from its start. */
export interface PrefixMatch {
  /** Engine blocks, never the whole text: the last token is computed anew. */
  blocks: number;
  /** Shared extents they lie in. */
  extents: number;
  /** Blocks of those extents and of its own that wait in the free queue: taking them uses up free ones. */
  idle: number;
  /** Its own blocks of before a preemption are among them. */
  own: boolean;
  /** Leading tokens there would be with what the tier outside holds; 0 where that adds nothing. */
  tierTokens: number;
}

/** Where `matchPrefix` leaves its answer: module-level, so that looking allocates nothing. */
export const prefixMatch: PrefixMatch = { blocks: 0, extents: 0, idle: 0, own: false, tierTokens: 0 };

/** Looks up how much of a request's text is there, without changing anything. */
export function matchPrefix(pool: BlockPool, requests: RequestTable, request: number, blockTokens: number): PrefixMatch {
  const most = Math.floor((knownTokens(requests, request) - 1) / blockTokens);
  const first = requests.keyStart[request]!;
  const last = requests.keyStart[request + 1]!;
  let blocks = 0;
  let idle = 0;
  let at = first;
  let broken = false;
  while (at < last && blocks < most && !broken) {
    const extent = lookUp(pool.table, requests.keys[at]!);
    if (extent < 0) break;
    const size = pool.size[extent]!;
    if (pool.refs[extent] === 0) idle += size;
    blocks += size;
    at += 1;
    broken = size < pool.keyBlocks;
  }
  const parked = requests.parked[request]!;
  prefixMatch.extents = at - first;
  prefixMatch.own = parked >= 0 && !broken && blocks === requests.parkedAt[request] && blocks < most;
  if (prefixMatch.own) {
    blocks += pool.size[parked]!;
    idle += pool.size[parked]!;
  }
  prefixMatch.blocks = blocks < most ? blocks : most;
  prefixMatch.idle = idle;
  prefixMatch.tierTokens = 0;
  if (pool.tier === undefined || prefixMatch.own) return prefixMatch;
  // A key that has lost blocks is whole outside; the others follow it.
  const from = broken ? at - 1 : at;
  let to = from;
  while (to < last && (to + 1 - first) * pool.keyBlocks <= most && holdsKey(pool.tier, requests.keys[to]!)) to += 1;
  if (to > from) prefixMatch.tierTokens = (to - first) * pool.keyBlocks * blockTokens;
  return prefixMatch;
}

/** Makes what `matchPrefix` just found the request's; it must have no blocks. */
export function holdMatch(pool: BlockPool, requests: RequestTable, request: number): void {
  const first = requests.keyStart[request]!;
  let done = 0;
  for (let i = 0; i < prefixMatch.extents; i++) {
    const extent = lookUp(pool.table, requests.keys[first + i]!);
    referTo(pool, extent);
    requests.held[first + i] = 1;
    if (pool.size[extent] === pool.keyBlocks) done = i + 1;
  }
  const parked = requests.parked[request]!;
  if (parked >= 0) {
    if (prefixMatch.own) requests.ownBlocks[request] = reclaim(pool, parked);
    else pool.owner[parked] = -1;
    requests.parked[request] = -1;
  }
  requests.keysDone[request] = done;
  requests.blocks[request] = prefixMatch.blocks;
}

/** Blocks a request needs beyond its own so that `tokens` of its text have room. */
export function blocksWanted(requests: RequestTable, request: number, tokens: number, blockTokens: number): number {
  return Math.ceil(tokens / blockTokens) - requests.blocks[request]!;
}

/** Gives a request room for `tokens` of its text and publishes the keys that they complete; false, with nothing changed, where blocks are short. */
export function growBlocks(pool: BlockPool, requests: RequestTable, request: number, options: GrowOptions): boolean {
  const wanted = blocksWanted(requests, request, options.tokens, options.blockTokens);
  if (wanted > 0) {
    if (wanted > pool.free) return false;
    takeBlocks(pool, wanted, requests.parked);
    requests.blocks[request]! += wanted;
    requests.ownBlocks[request]! += wanted;
  }
  return true;
}

export interface GrowOptions {
  tokens: number;
  blockTokens: number;
}

/** Publishes the keys of a prompt that `tokens` complete. Where another request was faster, the blocks stay this request's own. */
export function publishKeys(pool: BlockPool, requests: RequestTable, request: number, { tokens, blockTokens }: GrowOptions): void {
  const first = requests.keyStart[request]!;
  const keyTokens = pool.keyBlocks * blockTokens;
  const complete = Math.min(requests.keyStart[request + 1]! - first, Math.floor(tokens / keyTokens));
  for (let i = requests.keysDone[request]!; i < complete; i++) publishOne(pool, requests, request, first + i);
  if (complete > requests.keysDone[request]!) requests.keysDone[request] = complete;
}

function publishOne(pool: BlockPool, requests: RequestTable, request: number, at: number): void {
  const key = requests.keys[at]!;
  const extent = lookUp(pool.table, key);
  if (extent < 0) {
    publishKey(pool, key);
    requests.held[at] = 1;
    requests.ownBlocks[request]! -= pool.keyBlocks;
  } else if (requests.held[at] === 1) {
    requests.ownBlocks[request]! -= completeKey(pool, extent);
  }
}

/** Lets all blocks of a request go, last ones first. `park`: keeps its own whole blocks findable until they are evicted. */
export function releaseBlocks(pool: BlockPool, requests: RequestTable, request: number, options: ReleaseOptions): void {
  const own = requests.ownBlocks[request]!;
  const shared = requests.keysDone[request]! * pool.keyBlocks;
  if (options.park && own > 0 && own === requests.blocks[request]! - shared) {
    const whole = Math.max(0, Math.min(own, Math.floor(requests.computed[request]! / options.blockTokens) - shared));
    giveBack(pool, own - whole, -1);
    requests.parked[request] = giveBack(pool, whole, whole > 0 ? request : -1);
    requests.parkedAt[request] = shared;
  } else giveBack(pool, own, -1);
  const first = requests.keyStart[request]!;
  const last = Math.min(requests.keyStart[request + 1]!, first + requests.keysDone[request]! + 1);
  for (let at = last - 1; at >= first; at--) {
    if (requests.held[at] === 0) continue;
    requests.held[at] = 0;
    dropReference(pool, lookUp(pool.table, requests.keys[at]!));
  }
  requests.blocks[request] = 0;
  requests.ownBlocks[request] = 0;
  requests.keysDone[request] = 0;
}

export interface ReleaseOptions {
  readonly park: boolean;
  readonly blockTokens: number;
}

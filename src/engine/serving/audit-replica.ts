import { itemAt } from "../../base/int-deque.ts";
import { lookUp } from "../../base/int-table.ts";
import { NO_KEY } from "./block-pool.ts";
import { knownTokens, type RequestTable } from "./request-table.ts";
import type { ServingReplica } from "./serving-replica.ts";

/**
 * What is wrong with a replica's books: blocks lost or counted twice, references that nobody holds, tokens without room, wrong sums. Empty
 * where all is well. Recounts everything, and shares no sums with what it checks.
 */
export function auditReplica(replica: ServingReplica, requests: RequestTable): string[] {
  const faults: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) faults.push(`replica ${replica.index}: ${what}`);
  };
  const { pool, running, runningCount, waiting, blockTokens } = replica;
  const here = Array.from(running.subarray(0, runningCount));
  const queued = Array.from({ length: waiting.size }, (_, i) => itemAt(waiting, i));
  check(new Set([...here, ...queued]).size === here.length + queued.length, "a request is there twice");

  let idle = 0;
  let last = -1;
  for (let extent = pool.oldest; extent >= 0; extent = pool.next[extent]!) {
    idle += pool.size[extent]!;
    check(pool.refs[extent] === 0, "an extent in use waits in the free queue");
    check(pool.previous[extent] === last, "the free queue is broken");
    check(pool.size[extent]! > 0, "an empty extent waits in the free queue");
    last = extent;
  }
  check(last === pool.newest, "the free queue has another end");
  check(pool.free === pool.fresh + idle, "free blocks are miscounted");

  const refs = new Map<number, number>();
  let own = 0;
  let context = 0;
  const runs = new Set(here);
  const detached: number[] = [];
  for (let i = 0; i < requests.count; i++)
    if (requests.at[i] === replica.index && requests.blocks[i]! > 0 && !runs.has(i)) detached.push(i);
  check(detached.length === replica.detached, "requests whose KV is coming or going are miscounted");
  for (const request of [...here, ...detached]) {
    if (!runs.has(request)) context -= requests.computed[request]!;
    own += requests.ownBlocks[request]!;
    context += requests.computed[request]!;
    check(requests.ownBlocks[request]! >= 0, "a request has fewer than no blocks of its own");
    check(requests.blocks[request]! * blockTokens >= requests.computed[request]!, "tokens have no room");
    check(requests.computed[request]! <= knownTokens(requests, request), "tokens are computed that do not exist");
    for (let at = requests.keyStart[request]!; at < requests.keyStart[request + 1]!; at++) {
      if (requests.held[at] === 0) continue;
      const extent = lookUp(pool.table, requests.keys[at]!);
      check(extent >= 0 && pool.key[extent] === requests.keys[at], "a key that is held is not in the table");
      refs.set(extent, (refs.get(extent) ?? 0) + 1);
    }
  }
  let shared = 0;
  for (const [extent, count] of refs) {
    shared += pool.size[extent]!;
    check(pool.refs[extent] === count, "an extent has another number of references than holders");
  }
  check(own + shared + pool.free === pool.capacity, `blocks are lost: ${own} own, ${shared} shared, ${pool.free} free of ${pool.capacity}`);
  for (let extent = 0; extent < pool.extents; extent++) {
    const inUse = pool.refs[extent]! > 0 && pool.key[extent] !== NO_KEY && pool.size[extent]! > 0;
    check(!inUse || refs.has(extent), "an extent is held by nobody");
  }
  check(runningCount <= replica.rules.maxSequences, "more requests run than may");
  check(context === replica.contextTokens, "tokens of the running requests are miscounted");
  const pending = [...here, ...queued, ...detached].reduce((sum, request) => sum + requests.pending[request]!, 0);
  check(pending === replica.backlogTokens, `the backlog is miscounted: ${pending}, ${replica.backlogTokens}`);
  for (const request of queued) check(requests.blocks[request] === 0, "a waiting request has blocks");
  return faults;
}

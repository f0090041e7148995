/**
 * A 4-ary min-heap of members 0 to n - 1, each with at most one time; equal times leave in the order of the members. A member's time can be
 * changed while it waits.
 *
 * Complexity: O(log n) a change, no allocation.
 */
export interface WakeHeap {
  readonly time: Float64Array;
  readonly order: Int32Array;
  /** Place in `order`; -1 where the member does not wait. */
  readonly place: Int32Array;
  size: number;
}

export function wakeHeap(members: number): WakeHeap {
  return { time: new Float64Array(members), order: new Int32Array(members), place: new Int32Array(members).fill(-1), size: 0 };
}

/** The earliest time; Infinity where nobody waits. */
export function earliestWake(heap: WakeHeap): number {
  return heap.size === 0 ? Infinity : heap.time[heap.order[0]!]!;
}

export function setWake(heap: WakeHeap, member: number, time: number): void {
  let at = heap.place[member]!;
  const known = at >= 0;
  if (!known) at = heap.size++;
  const later = known && time > heap.time[member]!;
  heap.time[member] = time;
  if (later) sink(heap, member, at);
  else rise(heap, member, at);
}

/** Takes out the member with the earliest time; -1 where nobody waits. */
export function popWake(heap: WakeHeap): number {
  if (heap.size === 0) return -1;
  const member = heap.order[0]!;
  clearWake(heap, member);
  return member;
}

export function clearWake(heap: WakeHeap, member: number): void {
  const at = heap.place[member]!;
  if (at < 0) return;
  heap.place[member] = -1;
  const last = heap.order[--heap.size]!;
  if (last === member) return;
  if (at > 0 && before(heap, last, heap.order[(at - 1) >> 2]!)) rise(heap, last, at);
  else sink(heap, last, at);
}

function before(heap: WakeHeap, a: number, b: number): boolean {
  const ta = heap.time[a]!;
  const tb = heap.time[b]!;
  return ta < tb || (ta === tb && a < b);
}

function rise(heap: WakeHeap, member: number, from: number): void {
  let at = from;
  while (at > 0) {
    const above = (at - 1) >> 2;
    const other = heap.order[above]!;
    if (!before(heap, member, other)) break;
    put(heap, other, at);
    at = above;
  }
  put(heap, member, at);
}

function sink(heap: WakeHeap, member: number, from: number): void {
  let at = from;
  for (;;) {
    const first = at * 4 + 1;
    if (first >= heap.size) break;
    let best = first;
    const end = Math.min(first + 4, heap.size);
    for (let child = first + 1; child < end; child++) if (before(heap, heap.order[child]!, heap.order[best]!)) best = child;
    if (!before(heap, heap.order[best]!, member)) break;
    put(heap, heap.order[best]!, at);
    at = best;
  }
  put(heap, member, at);
}

function put(heap: WakeHeap, member: number, at: number): void {
  heap.order[at] = member;
  heap.place[member] = at;
}

/**
 * Binary min-heap of slots by (time, rank), whose times can be changed.
 *
 * Complexity: O(log n) a change, no allocation but growth by doubling.
 */
export interface FinishHeap {
  readonly size: number;
  /** Slot with the least time, -1 when empty. */
  top(): number;
  timeOf(slot: number): number;
  /** Puts a slot in or moves it; infinite times are kept out. */
  set(slot: number, time: number, rank: number): void;
  remove(slot: number): void;
}

/** Flows by when they end, then by rank; a flow's time can change in place. */
export function finishHeap(): FinishHeap {
  let heap = new Int32Array(64);
  let place = new Int32Array(64).fill(-1);
  let time = new Float64Array(64);
  let rank = new Float64Array(64);
  let size = 0;

  const before = (a: number, b: number): boolean => time[a]! < time[b]! || (time[a]! === time[b]! && rank[a]! < rank[b]!);
  const put = (at: number, slot: number): void => {
    heap[at] = slot;
    place[slot] = at;
  };
  const up = (from: number, slot: number): void => {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(slot, heap[parent]!)) break;
      put(at, heap[parent]!);
      at = parent;
    }
    put(at, slot);
  };
  const down = (from: number, slot: number): void => {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, slot)) break;
      put(at, heap[child]!);
      at = child;
    }
    put(at, slot);
  };
  const settle = (at: number, slot: number): void => {
    if (at > 0 && before(slot, heap[(at - 1) >> 1]!)) up(at, slot);
    else down(at, slot);
  };
  const remove = (slot: number): void => {
    if (slot >= place.length || place[slot] === -1) return;
    const at = place[slot]!;
    place[slot] = -1;
    size -= 1;
    if (at < size) settle(at, heap[size]!);
  };
  const grow = (least: number): void => {
    const length = Math.max(least, place.length * 2);
    heap = copied(new Int32Array(length), heap);
    place = copied(new Int32Array(length).fill(-1), place);
    time = copied(new Float64Array(length), time);
    rank = copied(new Float64Array(length), rank);
  };
  return {
    get size() {
      return size;
    },
    top: () => (size === 0 ? -1 : heap[0]!),
    timeOf: (slot) => time[slot]!,
    set(slot, at, order) {
      if (at === Number.POSITIVE_INFINITY) return remove(slot);
      if (slot >= place.length) grow(slot + 1);
      time[slot] = at;
      rank[slot] = order;
      if (place[slot] !== -1) return settle(place[slot]!, slot);
      size += 1;
      up(size - 1, slot);
    },
    remove,
  };
}

function copied<T extends Int32Array | Float64Array>(into: T, from: T): T {
  into.set(from);
  return into;
}

import type { FlowStore } from "./flow-store.ts";

/**
 * Gives every flow that shares a link, over any number of others, with one of `dirty` its max-min fair rate anew.
 *
 * Model: progressive filling by priority, highest first: the link with the least left for a unit of weight fixes the flows over it, until all are
 * fixed; the next priority fills what is left. A flow's own greatest rate is a link of its own.
 * Units: bytes/ns. Complexity: O(p log p) for p crossings of links and flows in what is touched.
 */
export interface ShareFiller {
  /** Number of flows touched; their slots and new rates are in `slots` and `rates` until the next call. */
  fill(store: FlowStore, dirty: Int32Array, dirtyCount: number): number;
  readonly slots: () => Int32Array;
  readonly rates: () => Float64Array;
}

/** Below this share of a link's rate what higher priorities leave is rounding, not capacity. */
const NOTHING_LEFT = 1e-12;

/** Shares links max-min among flows, higher priorities first. Shapes: `capacity` has an entry a link. Units: bytes/ns. */
export function shareFiller(capacity: Float64Array): ShareFiller {
  const links = capacity.length;
  const left = new Float64Array(links);
  const weights = new Float64Array(links);
  const open = new Int32Array(links);
  const seenLink = new Int32Array(links);
  const touchedLinks = new Int32Array(links);
  let seenFlow = new Int32Array(64);
  let fixed = new Int32Array(64);
  let rate = new Float64Array(64);
  let slots = new Int32Array(64);
  let rates = new Float64Array(64);
  let stamp = 0;
  let linkCount = 0;
  let flowCount = 0;
  // A heap of (share of a unit of weight, link or links + slot); a link's share only grows while flows are fixed, so stale entries are put back.
  let keys = new Float64Array(64);
  let ids = new Int32Array(64);
  let heapSize = 0;

  function ensure(used: number): void {
    if (used <= seenFlow.length) return;
    const length = Math.max(used, seenFlow.length * 2);
    seenFlow = new Int32Array(length);
    fixed = new Int32Array(length);
    rate = new Float64Array(length);
    slots = new Int32Array(length);
    rates = new Float64Array(length);
  }

  function push(key: number, id: number): void {
    if (heapSize === keys.length) {
      const longerKeys = new Float64Array(heapSize * 2);
      const longerIds = new Int32Array(heapSize * 2);
      longerKeys.set(keys);
      longerIds.set(ids);
      keys = longerKeys;
      ids = longerIds;
    }
    let at = heapSize++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! < key || (keys[parent]! === key && ids[parent]! <= id)) break;
      keys[at] = keys[parent]!;
      ids[at] = ids[parent]!;
      at = parent;
    }
    keys[at] = key;
    ids[at] = id;
  }

  function pop(): void {
    heapSize -= 1;
    const key = keys[heapSize]!;
    const id = ids[heapSize]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heapSize) break;
      const right = child + 1;
      if (right < heapSize && (keys[right]! < keys[child]! || (keys[right]! === keys[child]! && ids[right]! < ids[child]!))) child = right;
      if (key < keys[child]! || (key === keys[child]! && id <= ids[child]!)) break;
      keys[at] = keys[child]!;
      ids[at] = ids[child]!;
      at = child;
    }
    keys[at] = key;
    ids[at] = id;
  }

  /** Links and flows that hang together with the dirty links. */
  function gather(store: FlowStore, dirty: Int32Array, dirtyCount: number): void {
    stamp += 1;
    linkCount = 0;
    flowCount = 0;
    for (let i = 0; i < dirtyCount; i++) touchLink(dirty[i]!);
    const { head, next, link, hops, shift } = store;
    for (let i = 0; i < linkCount; i++) {
      for (let place = head[touchedLinks[i]!]!; place !== -1; place = next[place]!) {
        const slot = place >> shift;
        if (seenFlow[slot] === stamp) continue;
        seenFlow[slot] = stamp;
        slots[flowCount++] = slot;
        const first = slot << shift;
        const end = first + hops[slot]!;
        for (let p = first; p < end; p++) touchLink(link[p]!);
      }
    }
  }

  function touchLink(link: number): void {
    if (seenLink[link] === stamp) return;
    seenLink[link] = stamp;
    touchedLinks[linkCount++] = link;
    left[link] = capacity[link]!;
  }

  function fix(store: FlowStore, slot: number, value: number): void {
    fixed[slot] = stamp;
    rate[slot] = value;
    const weight = store.weight[slot]!;
    const { link: linkOf, shift } = store;
    const first = slot << shift;
    const end = first + store.hops[slot]!;
    for (let place = first; place < end; place++) {
      const link = linkOf[place]!;
      left[link] = Math.max(0, left[link]! - value);
      weights[link] = weights[link]! - weight;
      open[link] = open[link]! - 1;
    }
  }

  /** Fills one priority; returns the next lower one among the touched flows, or undefined. */
  function fillClass(store: FlowStore, priority: number): number | undefined {
    let lower: number | undefined;
    for (let i = 0; i < linkCount; i++) {
      const link = touchedLinks[i]!;
      weights[link] = 0;
      open[link] = 0;
      if (left[link]! <= capacity[link]! * NOTHING_LEFT) left[link] = 0;
    }
    heapSize = 0;
    const { link: linkOf, next, head, hops, priority: priorities, weight: weightOf, rateMax, shift } = store;
    for (let i = 0; i < flowCount; i++) {
      const slot = slots[i]!;
      const own = priorities[slot]!;
      if (own < priority) lower = lower === undefined ? own : Math.max(lower, own);
      if (own !== priority) continue;
      const weight = weightOf[slot]!;
      const first = slot << shift;
      const end = first + hops[slot]!;
      for (let place = first; place < end; place++) {
        const link = linkOf[place]!;
        weights[link] = weights[link]! + weight;
        open[link] = open[link]! + 1;
      }
      if (rateMax[slot]! < Number.POSITIVE_INFINITY) push(rateMax[slot]! / weight, links + slot);
    }
    for (let i = 0; i < linkCount; i++) {
      const link = touchedLinks[i]!;
      if (open[link]! > 0) push(left[link]! / weights[link]!, link);
    }
    while (heapSize > 0) {
      const key = keys[0]!;
      const id = ids[0]!;
      pop();
      if (id >= links) {
        const slot = id - links;
        if (fixed[slot] !== stamp) fix(store, slot, rateMax[slot]!);
        continue;
      }
      if (open[id] === 0) continue;
      const share = left[id]! / weights[id]!;
      if (share > key && heapSize > 0 && share > keys[0]!) {
        push(share, id);
        continue;
      }
      for (let place = head[id]!; place !== -1; place = next[place]!) {
        const slot = place >> shift;
        if (fixed[slot] !== stamp && priorities[slot] === priority) fix(store, slot, share * weightOf[slot]!);
      }
    }
    return lower;
  }

  return {
    fill(store, dirty, dirtyCount) {
      ensure(store.used);
      gather(store, dirty, dirtyCount);
      let priority: number | undefined;
      for (let i = 0; i < flowCount; i++) {
        const own = store.priority[slots[i]!]!;
        priority = priority === undefined ? own : Math.max(priority, own);
      }
      while (priority !== undefined) priority = fillClass(store, priority);
      for (let i = 0; i < flowCount; i++) rates[i] = rate[slots[i]!]!;
      return flowCount;
    },
    slots: () => slots,
    rates: () => rates,
  };
}

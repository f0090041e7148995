import { assert } from "../../base/assert.ts";
import { shareFiller } from "./fill-shares.ts";
import { finishHeap } from "./finish-heap.ts";
import { addFlow, dropFlow, flowStore } from "./flow-store.ts";
import type { FlowFinish, FlowLink, FlowNetwork, FlowOptions, OnFinish } from "./flow-types.ts";

const NS_PER_S = 1e9;
/** Parts of a nanosecond below which two instants are one; above 2^43 ns the rounding of doubles. */
const INSTANT = 1 / 1024;
const INSTANT_SHARE = 1 / 1125899906842624;
/** Weights differ by no more than this, so that sums of them keep the least. */
const WEIGHT_MAX = 1e6;

/**
 * A network in which flows share links by weighted max-min fairness (`FlowNetwork`).
 *
 * Why: ends fall between whole nanoseconds and the others speed up at that very instant; only what is told is rounded up to the next whole one, so
 * errors do not add up over a chain of ends. Rates are computed anew when time is about to move, once for all that started or ended at one
 * instant, and only for flows that hang together with those.
 * Complexity: O(p log p) an instant, p crossings in the touched part.
 */
export function createFlowNetwork(links: readonly FlowLink[]): FlowNetwork {
  const capacity = new Float64Array(links.length);
  links.forEach(({ bytesPerSecond }, link) => {
    capacity[link] = checkedRate(bytesPerSecond);
  });
  const store = flowStore(links.length);
  const filler = shareFiller(capacity);
  const heap = finishHeap();
  const slotOf = new Map<number, number>();
  const ended: FlowFinish[] = [];
  const dirty = new Int32Array(links.length);
  const isDirty = new Uint8Array(links.length);
  let dirtyCount = 0;
  let now = 0;
  let started = 0;

  function markLink(link: number): void {
    if (isDirty[link] === 1) return;
    isDirty[link] = 1;
    dirty[dirtyCount++] = link;
  }

  function markPath(slot: number): void {
    const first = slot * store.stride;
    for (let place = first; place < first + store.hops[slot]!; place++) markLink(store.link[place]!);
  }

  function share(): void {
    if (dirtyCount === 0) return;
    const count = filler.fill(store, dirty, dirtyCount);
    for (let i = 0; i < dirtyCount; i++) isDirty[dirty[i]!] = 0;
    dirtyCount = 0;
    const slots = filler.slots();
    const rates = filler.rates();
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      const rate = rates[i]!;
      if (rate === store.rate[slot]) continue;
      store.left[slot] = leftAt(slot, now);
      store.at[slot] = now;
      store.rate[slot] = rate;
      heap.set(slot, rate > 0 ? now + store.left[slot]! / rate : Number.POSITIVE_INFINITY, store.rank[slot]!);
    }
  }

  function leftAt(slot: number, time: number): number {
    return Math.max(0, store.left[slot]! - store.rate[slot]! * (time - store.at[slot]!));
  }

  function remove(slot: number): void {
    markPath(slot);
    heap.remove(slot);
    slotOf.delete(store.flow[slot]!);
    dropFlow(store, slot);
  }

  /** Moves time; what ends on the way waits in `ended` to be told. */
  function moveTo(nowNs: number): void {
    assert(Number.isSafeInteger(nowNs) && nowNs >= Math.floor(now), "time of a flow network is whole and never goes back", { nowNs, now });
    if (nowNs <= now) return;
    for (;;) {
      share();
      const first = heap.top();
      if (first === -1 || heap.timeOf(first) > nowNs + instantAt(nowNs)) break;
      now = Math.min(nowNs, Math.max(now, heap.timeOf(first)));
      const timeNs = wholeNs(now);
      for (let slot: number = first; slot !== -1 && heap.timeOf(slot) <= now + instantAt(now); slot = heap.top()) {
        ended.push({ timeNs, flow: store.flow[slot]! });
        remove(slot);
      }
    }
    now = nowNs;
  }

  return {
    get size() {
      return slotOf.size;
    },
    start(flow, path, { bytes, nowNs }, options = {}) {
      assert(Number.isSafeInteger(flow) && !slotOf.has(flow), "a flow has a whole number that is not under way", { flow });
      assert(bytes >= 0 && bytes < Number.POSITIVE_INFINITY, "a flow has a finite number of bytes", { flow, bytes });
      moveTo(nowNs);
      if (bytes === 0 || path.length === 0) {
        ended.push({ timeNs: nowNs, flow });
        return;
      }
      for (let hop = 0; hop < path.length; hop++)
        assert(path[hop]! >= 0 && path[hop]! < capacity.length, "a path names links of the network", { flow });
      const slot = addFlow(store, path);
      store.flow[slot] = flow;
      store.rank[slot] = started++;
      store.left[slot] = bytes;
      store.at[slot] = now;
      store.rate[slot] = 0;
      applyOptions(slot, options);
      slotOf.set(flow, slot);
      markPath(slot);
    },
    cancel(flow, nowNs) {
      moveTo(nowNs);
      const slot = slotOf.get(flow);
      if (slot === undefined) {
        const at = ended.findIndex((end) => end.flow === flow);
        assert(at !== -1, "only a flow under way is cancelled", { flow });
        ended.splice(at, 1);
        return 0;
      }
      const left = leftAt(slot, now);
      remove(slot);
      return left;
    },
    nextFinish() {
      if (ended.length > 0) return ended[0];
      share();
      const slot = heap.top();
      return slot === -1 ? undefined : { timeNs: wholeNs(heap.timeOf(slot)), flow: store.flow[slot]! };
    },
    advance(nowNs: number, onFinish?: OnFinish) {
      if (nowNs > now) moveTo(nowNs);
      let count = 0;
      while (count < ended.length && ended[count]!.timeNs <= nowNs) count += 1;
      const told = ended.splice(0, count);
      if (onFinish !== undefined) for (const { flow, timeNs } of told) onFinish(flow, timeNs);
      return told.length;
    },
    setCapacity(link, bytesPerSecond, nowNs) {
      assert(link >= 0 && link < capacity.length, "a network has the link whose speed changes", { link });
      moveTo(nowNs);
      share();
      capacity[link] = checkedRate(bytesPerSecond);
      markLink(link);
    },
    rateOf(flow) {
      share();
      const slot = slotOf.get(flow);
      return slot === undefined ? 0 : store.rate[slot]! * NS_PER_S;
    },
  };

  function applyOptions(slot: number, { weight = 1, priority = 0, bytesPerSecondMax }: FlowOptions): void {
    assert(weight >= 1 / WEIGHT_MAX && weight <= WEIGHT_MAX, "a flow's weight lies between 1e-6 and 1e6", { weight });
    assert(Number.isInteger(priority), "a priority is a whole number", { priority });
    store.weight[slot] = weight;
    store.priority[slot] = priority;
    store.rateMax[slot] = bytesPerSecondMax === undefined ? Number.POSITIVE_INFINITY : checkedRate(bytesPerSecondMax);
  }
}

function checkedRate(bytesPerSecond: number): number {
  assert(bytesPerSecond >= 0 && bytesPerSecond < Number.POSITIVE_INFINITY, "a rate is finite and not negative", { bytesPerSecond });
  return bytesPerSecond / NS_PER_S;
}

function instantAt(time: number): number {
  return Math.max(INSTANT, time * INSTANT_SHARE);
}

/** The first whole nanosecond that is not before `time`. */
function wholeNs(time: number): number {
  return Math.ceil(time - instantAt(time));
}

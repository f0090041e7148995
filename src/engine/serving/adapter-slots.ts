import { emptyIntDeque, type IntDeque, itemAt, popFront, pushBack, pushFront } from "../../base/int-deque.ts";
import { holdsKey, type KeyTier, keyTier, storeKey } from "./key-tier.ts";
import type { RequestTable } from "./request-table.ts";

/**
 * Adapters (LoRA) of one replica: those in slots on its devices, those in its host's memory, and those of the iteration that is being formed.
 *
 * Source: vllm-project/vllm `v1/core/sched/scheduler.py` (an iteration has at most `max_loras` distinct adapters, requests beyond are passed over),
 * `lora/worker_manager.py` (least recently used ones leave slots and host); sgl-project/sglang `managers/scheduler.py` (the same, over all that run).
 */
export interface AdapterSlots {
  device: KeyTier;
  host: KeyTier;
  /** Everything is in the host's memory from the beginning. */
  readonly preloaded: boolean;
  /** Time from host to device, and from disk to host, by adapter. Units: ns. */
  readonly hostNs: Float64Array;
  readonly diskNs: Float64Array;
  /** Rank at which each is computed. */
  readonly ranks: Int32Array;
  /** Iteration for which an adapter was last held by what runs, and last computed; against `forming`. */
  readonly heldAt: Int32Array;
  readonly computedAt: Int32Array;
  forming: number;
  held: number;
  /** Whether those behind one that finds no slot may go before it. */
  readonly passes: boolean;
  /** Loads go on beside iterations: a request waits for its adapter, and nobody else does. */
  readonly overlap: boolean;
  /** With `overlap`: adapters on their way into slots that are theirs already, and those whose load the executor has yet to start. */
  readonly coming: number[];
  readonly starts: AdapterLoad[];
  /** Counted up when the host is lost: what was on its way then never comes. */
  epoch: number;
  /** Requests that were passed over while the iteration was formed. */
  readonly passed: IntDeque;
  readonly counts: AdapterCounts;
}

/** A load to be started: the adapter, and the time it takes on the replica's link. Units: ns. */
export interface AdapterLoad {
  readonly adapter: number;
  readonly ns: number;
}

/** What happened to adapters on a replica. */
export interface AdapterCounts {
  /** Admissions of requests with an adapter, and those that found it in a slot. */
  admissions: number;
  hits: number;
  /** Loads into slots, those of them that came from disk first, and the time for which iterations waited for them. */
  loads: number;
  diskLoads: number;
  loadNs: number;
  /** Requests that were passed over for want of a slot, each counted once. */
  short: number;
}

export interface AdapterOptions {
  readonly slots: number;
  /** Adapters the host's memory holds; Infinity: all, from the beginning. */
  readonly hostAdapters: number;
  readonly hostNs: Float64Array;
  readonly diskNs: Float64Array;
  readonly ranks: Int32Array;
  /** Absent: true. */
  readonly passes?: boolean;
  /** Absent: false. */
  readonly overlap?: boolean;
}

export function adapterSlots({ slots, hostAdapters, hostNs, diskNs, ranks, passes = true, overlap = false }: AdapterOptions): AdapterSlots {
  const count = ranks.length;
  return {
    device: keyTier(slots),
    host: keyTier(Math.min(hostAdapters, Math.max(1, count))),
    preloaded: hostAdapters === Infinity,
    hostNs,
    diskNs,
    ranks,
    heldAt: new Int32Array(count).fill(-1),
    computedAt: new Int32Array(count).fill(-1),
    passes,
    overlap,
    coming: [],
    starts: [],
    epoch: 0,
    forming: 0,
    held: 0,
    passed: emptyIntDeque(),
    counts: { admissions: 0, hits: 0, loads: 0, diskLoads: 0, loadNs: 0, short: 0 },
  };
}

/** The next iteration begins to be formed. */
export function beginAdapters(adapters: AdapterSlots): void {
  adapters.forming += 1;
  adapters.held = 0;
  for (const adapter of adapters.coming) {
    useAdapter(adapters, adapter);
    holdAdapter(adapters, adapter);
  }
}

/** Whether a request may join beside the adapters that are held. */
export function adapterFits({ heldAt, forming, held, device }: AdapterSlots, adapter: number): boolean {
  return adapter < 0 || heldAt[adapter] === forming || held < device.capacity;
}

/** What a request was passed over for. */
export const WANT = { slot: 1, load: 2 } as const;

/** The first of a queue is passed over in this iteration. */
export function passOver({ passed, counts }: AdapterSlots, { passed: column }: RequestTable, queue: IntDeque, want: number): void {
  const request = popFront(queue);
  pushBack(passed, request);
  if ((column![request]! & WANT.slot) === 0 && want === WANT.slot) counts.short += 1;
  column![request]! |= want;
}

/** Those that were passed over stand before the others again, in their order. */
export function putBack({ passed }: AdapterSlots, queue: IntDeque): void {
  for (let i = passed.size - 1; i >= 0; i--) pushFront(queue, itemAt(passed, i));
  passed.size = 0;
}

/** A request is admitted with its adapter. */
export function admitAdapter(adapters: AdapterSlots, requests: RequestTable, request: number): void {
  const adapter = requests.adapter![request]!;
  if (adapter < 0) return;
  const { counts, device, heldAt, forming } = adapters;
  counts.admissions += 1;
  const found = holdsKey(device, adapter) || heldAt[adapter] === forming;
  if (found && (requests.passed![request]! & WANT.load) === 0) counts.hits += 1;
  holdAdapter(adapters, adapter);
  if (adapters.overlap) useAdapter(adapters, adapter);
}

/** The host is lost, or given back: what it held is gone. */
export function forgetAdapters(adapters: AdapterSlots): void {
  adapters.device = keyTier(adapters.device.capacity);
  adapters.host = keyTier(adapters.host.capacity);
  adapters.coming.length = 0;
  adapters.starts.length = 0;
  adapters.epoch += 1;
}

/** An adapter in a slot is used: it is the last to leave. */
export function useAdapter({ device, host, preloaded }: AdapterSlots, adapter: number): void {
  storeKey(device, adapter);
  if (!preloaded) storeKey(host, adapter);
}

/** An adapter's slot is held by somebody in the iteration that is formed. */
export function holdAdapter(adapters: AdapterSlots, adapter: number): void {
  if (adapter < 0 || adapters.heldAt[adapter] === adapters.forming) return;
  adapters.heldAt[adapter] = adapters.forming;
  adapters.held += 1;
}

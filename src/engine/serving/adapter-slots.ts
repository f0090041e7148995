import { assert } from "../../base/assert.ts";
import { emptyIntDeque, type IntDeque, itemAt, popFront, pushBack, pushFront } from "../../base/int-deque.ts";
import { DECISION, type DecisionLog, recordDecision } from "./decision-log.ts";
import { holdsKey, type KeyTier, keyTier, storeKey } from "./key-tier.ts";
import type { RequestTable } from "./request-table.ts";
import type { ServingReplica, ServingStep } from "./serving-replica.ts";

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
  /** Requests that were passed over while the iteration was formed. */
  readonly passed: IntDeque;
  readonly counts: AdapterCounts;
}

/** What happened to adapters on a replica. */
export interface AdapterCounts {
  /** Admissions of requests with an adapter, and those that found it in a slot. */
  admissions: number;
  hits: number;
  /** Loads into slots, those of them that came from disk first, and the time of all. */
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
}

export function adapterSlots({ slots, hostAdapters, hostNs, diskNs, ranks }: AdapterOptions): AdapterSlots {
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
}

/** An iteration computes `tokens` of a request. */
export function computeAdapter(adapters: AdapterSlots, step: ServingStep, adapter: number, tokens: number): void {
  if (adapter < 0) return;
  const lora = step.shape.lora!;
  const rank = adapters.ranks[adapter]!;
  lora.tokens += tokens;
  lora.rankTokens += tokens * rank;
  hold(adapters, adapter);
  if (adapters.computedAt[adapter] === adapters.forming) return;
  adapters.computedAt[adapter] = adapters.forming;
  lora.adapters += 1;
  lora.ranks += rank;
}

/** Whoever runs and goes on holds its adapter's slot. Complexity: linear in the running requests. */
export function holdRunning(adapters: AdapterSlots, { running, runningCount }: ServingReplica, { adapter, left }: RequestTable): void {
  for (let i = 0; i < runningCount; i++) if (left[running[i]!]! > 0) hold(adapters, adapter![running[i]!]!);
}

/** Whether a request may join beside the adapters that are held. */
export function adapterFits({ heldAt, forming, held, device }: AdapterSlots, adapter: number): boolean {
  return adapter < 0 || heldAt[adapter] === forming || held < device.capacity;
}

/** The first of a queue is passed over in this iteration. */
export function passOver({ passed, counts }: AdapterSlots, { passed: column }: RequestTable, queue: IntDeque): void {
  const request = popFront(queue);
  pushBack(passed, request);
  if (column![request] === 1) return;
  column![request] = 1;
  counts.short += 1;
}

/** Those that were passed over stand before the others again, in their order. */
export function putBack({ passed }: AdapterSlots, queue: IntDeque): void {
  for (let i = passed.size - 1; i >= 0; i--) pushFront(queue, itemAt(passed, i));
  passed.size = 0;
}

/** A request is admitted with its adapter. */
export function admitAdapter(adapters: AdapterSlots, adapter: number): void {
  if (adapter < 0) return;
  const { counts, device, heldAt, forming } = adapters;
  counts.admissions += 1;
  if (holdsKey(device, adapter) || heldAt[adapter] === forming) counts.hits += 1;
  hold(adapters, adapter);
}

/**
 * The iteration is formed: what it computes and does not find in a slot is loaded before it begins, in place of the least recently used that nobody holds.
 *
 * Complexity: linear in the running requests.
 */
export function loadAdapters(
  replica: ServingReplica,
  step: ServingStep,
  { requests, log }: { readonly requests: RequestTable; readonly log: DecisionLog },
  nowNs: number,
): void {
  const adapters = replica.adapters!;
  const { device, heldAt, computedAt, forming } = adapters;
  const column = requests.adapter!;
  holdRunning(adapters, replica, requests);
  assert(adapters.held <= device.capacity, "more adapters are held than there are slots", { held: adapters.held });
  // Held ones first: then the oldest slots belong to nobody.
  for (let i = 0; i < replica.runningCount; i++) {
    const adapter = column[replica.running[i]!]!;
    if (adapter >= 0 && heldAt[adapter] === forming && holdsKey(device, adapter)) use(adapters, adapter);
  }
  for (let i = 0; i < replica.runningCount; i++) {
    const adapter = column[replica.running[i]!]!;
    if (adapter < 0 || computedAt[adapter] !== forming || holdsKey(device, adapter)) continue;
    step.loadNs += load(adapters, adapter, { log, replica: replica.index, nowNs });
  }
}

/** The host is lost, or given back: what it held is gone. */
export function forgetAdapters(adapters: AdapterSlots): void {
  adapters.device = keyTier(adapters.device.capacity);
  adapters.host = keyTier(adapters.host.capacity);
}

function load(adapters: AdapterSlots, adapter: number, at: { log: DecisionLog; replica: number; nowNs: number }): number {
  const { host, counts } = adapters;
  const fromDisk = !adapters.preloaded && !holdsKey(host, adapter);
  const ns = adapters.hostNs[adapter]! + (fromDisk ? adapters.diskNs[adapter]! : 0);
  use(adapters, adapter);
  counts.loads += 1;
  if (fromDisk) counts.diskLoads += 1;
  counts.loadNs += ns;
  recordDecision(at.log, DECISION.adapter, at.replica, adapter, at.nowNs, fromDisk ? 1 : 0);
  return ns;
}

function use({ device, host, preloaded }: AdapterSlots, adapter: number): void {
  storeKey(device, adapter);
  if (!preloaded) storeKey(host, adapter);
}

function hold(adapters: AdapterSlots, adapter: number): void {
  if (adapter < 0 || adapters.heldAt[adapter] === adapters.forming) return;
  adapters.heldAt[adapter] = adapters.forming;
  adapters.held += 1;
}

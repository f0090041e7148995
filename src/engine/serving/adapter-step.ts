import { assert } from "../../base/assert.ts";
import { type AdapterSlots, holdAdapter, useAdapter } from "./adapter-slots.ts";
import { DECISION, type DecisionLog, recordDecision } from "./decision-log.ts";
import { holdsKey } from "./key-tier.ts";
import type { RequestTable } from "./request-table.ts";
import type { ServingReplica, ServingStep } from "./serving-replica.ts";

/** An iteration computes `tokens` of a request. */
export function computeAdapter(adapters: AdapterSlots, step: ServingStep, adapter: number, tokens: number): void {
  if (adapter < 0) return;
  const lora = step.shape.lora!;
  const rank = adapters.ranks[adapter]!;
  lora.tokens += tokens;
  lora.rankTokens += tokens * rank;
  holdAdapter(adapters, adapter);
  if (adapters.computedAt[adapter] === adapters.forming) return;
  adapters.computedAt[adapter] = adapters.forming;
  lora.adapters += 1;
  lora.ranks += rank;
}

/** Whoever runs and goes on holds its adapter's slot, so that loads begun beside iterations take no slot of theirs. Complexity: linear in the running requests. */
export function holdRunning(adapters: AdapterSlots, { running, runningCount }: ServingReplica, { adapter, left }: RequestTable): void {
  for (let i = 0; i < runningCount; i++) {
    if (left[running[i]!]! === 0) continue;
    const own = adapter![running[i]!]!;
    holdAdapter(adapters, own);
    if (adapters.overlap && own >= 0) useAdapter(adapters, own);
  }
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
    if (adapter >= 0 && heldAt[adapter] === forming && holdsKey(device, adapter)) useAdapter(adapters, adapter);
  }
  for (let i = 0; i < replica.runningCount; i++) {
    const adapter = column[replica.running[i]!]!;
    if (adapter < 0 || computedAt[adapter] !== forming || holdsKey(device, adapter)) continue;
    step.loadNs += load(adapters, adapter, { log, replica: replica.index, nowNs });
  }
}

/**
 * With loads beside iterations: whether a request that finds a slot must wait for its adapter, whose load begins where it has not.
 *
 * Source: sgl-project/sglang pull request 15512 (`--enable-lora-overlap-loading`): the first try to schedule it starts the load.
 */
export function waitsForAdapter(
  { adapters, index }: ServingReplica,
  { requests, log }: { readonly requests: RequestTable; readonly log: DecisionLog },
  request: number,
  nowNs: number,
): boolean {
  const adapter = requests.adapter![request]!;
  if (adapters?.overlap !== true || adapter < 0) return false;
  if (adapters.coming.includes(adapter)) return true;
  if (holdsKey(adapters.device, adapter)) return false;
  const ns = load(adapters, adapter, { log, replica: index, nowNs });
  adapters.counts.loadNs -= ns;
  adapters.coming.push(adapter);
  adapters.starts.push({ adapter, ns });
  holdAdapter(adapters, adapter);
  return true;
}

/** An adapter has come into its slot. */
export function adapterArrived({ coming }: AdapterSlots, adapter: number): void {
  const at = coming.indexOf(adapter);
  assert(at >= 0, "an adapter arrives that was not on its way", adapter);
  coming.splice(at, 1);
}

function load(adapters: AdapterSlots, adapter: number, at: { log: DecisionLog; replica: number; nowNs: number }): number {
  const { host, counts } = adapters;
  const fromDisk = !adapters.preloaded && !holdsKey(host, adapter);
  const ns = adapters.hostNs[adapter]! + (fromDisk ? adapters.diskNs[adapter]! : 0);
  useAdapter(adapters, adapter);
  counts.loads += 1;
  if (fromDisk) counts.diskLoads += 1;
  counts.loadNs += ns;
  recordDecision(at.log, DECISION.adapter, at.replica, adapter, at.nowNs, fromDisk ? 1 : 0);
  return ns;
}

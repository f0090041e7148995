import { itemAt } from "../../base/int-deque.ts";
import { holdsKey } from "./key-tier.ts";
import type { RequestTable } from "./request-table.ts";
import type { ServingReplica } from "./serving-replica.ts";

/** What a replica may hold, from its settings and not from its books. */
export interface AdapterLimits {
  readonly slots: number;
  readonly hostAdapters: number;
}

/**
 * What is wrong with a replica's adapters: more of them than slots, some that run without one, slots and host memory that disagree. Empty where all is
 * well. Recounts from the requests.
 */
export function auditAdapters(replica: ServingReplica, requests: RequestTable, { slots, hostAdapters }: AdapterLimits): string[] {
  const { adapters, running, runningCount, executing, planned } = replica;
  const column = requests.adapter;
  if (adapters === undefined || column === undefined) return [];
  const faults: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) faults.push(`replica ${replica.index}: ${what}`);
  };
  const { device, host, preloaded, counts } = adapters;
  const live = new Set<number>();
  for (let i = 0; i < runningCount; i++) {
    const request = running[i]!;
    if (column[request]! >= 0 && requests.left[request]! > 0) live.add(column[request]!);
  }
  const coming = new Set(adapters.coming);
  check(coming.size === adapters.coming.length, "an adapter comes twice");
  check(new Set([...live, ...coming]).size <= slots, "more adapters come and run than there are slots");
  for (const adapter of live) check(!coming.has(adapter), `adapter ${adapter} runs before it has come`);
  check(adapters.starts.length === 0, "a load was not started");
  check(live.size <= slots, `requests of ${live.size} adapters run in ${slots} slots`);
  for (const step of [executing, planned]) {
    if (!step.active) continue;
    const lora = step.shape.lora;
    check(lora !== undefined && lora.adapters <= slots, "an iteration has more adapters than slots");
    check(lora !== undefined && lora.adapters <= lora.tokens, "adapters are computed for nobody");
    check(
      lora !== undefined && lora.tokens <= stepTokens(step.shape, replica.gain.draftTokens),
      "more tokens have adapters than there are",
    );
  }
  check(device.size <= slots, "more slots are used than there are");
  if (!preloaded) check(host.size <= hostAdapters, "the host holds more adapters than it may");
  for (const adapter of live)
    if (adapters.computedAt[adapter] !== -1) check(holdsKey(device, adapter), `adapter ${adapter} runs without a slot`);
  for (let place = 0; place < device.size; place++)
    if (!preloaded) check(holdsKey(host, device.key[place]!), "an adapter in a slot is not in the host's memory");
  check(counts.hits <= counts.admissions, "more adapters were found than looked for");
  check(counts.diskLoads <= counts.loads, "more adapters came from disk than were loaded");
  check(adapters.passed.size === 0, "a request that was passed over is not back in the queue");
  const seen = new Set<number>();
  for (let i = 0; i < replica.waiting.size; i++) seen.add(itemAt(replica.waiting, i));
  check(seen.size === replica.waiting.size, "a request waits twice");
  return faults;
}

function stepTokens({ prefillTokens, decodes }: ServingReplica["executing"]["shape"], draftTokens: number): number {
  return prefillTokens + decodes * (1 + draftTokens);
}

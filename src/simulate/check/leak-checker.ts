import type { FleetEngine } from "../../engine/fleet-engine.ts";
import type { ReplicaEngine } from "../../engine/replica-engine.ts";

/**
 * What an idle replica engine still holds: invariant 2 at the end of a run. A lease or a reservation that is never given back shows in no command,
 * so this one check looks at snapshots; it counts by itself and trusts no counter of the engine.
 */
export function heldByReplica(engine: ReplicaEngine): string[] {
  const { sequences, waiting, running, tasks, slots, lanes, closing } = engine.snapshot();
  const held: string[] = [];
  const say = (count: number, what: string): void => {
    if (count > 0) held.push(`${count} ${what}`);
  };
  say(sequences.size + waiting.length + running.length, "sequences");
  say(tasks.size, "tasks in flight");
  say(closing.length, "lanes to close");
  say(lanes.pages.filter((pages) => pages > 0).length, "open lanes");
  say(slots.leases.filter((leases) => leases !== 0).length, "leased slots");
  const free = new Set(slots.free);
  const indexed = new Set(slots.byKey.values());
  let lost = 0;
  for (let slot = 0; slot < slots.capacity; slot++) if (!free.has(slot) && !(indexed.has(slot) && slots.evictable.has(slot))) lost++;
  say(lost, "slots that are neither free nor can be evicted");
  const twice = [...free].filter((slot) => indexed.has(slot)).length + slots.free.length - free.size;
  say(twice, "slots that are free and in use, or free twice");
  return held;
}

/** What an idle fleet engine still holds. */
export function heldByFleet(engine: FleetEngine): string[] {
  const { requests, queue, replicas } = engine.snapshot();
  const assigned = replicas.reduce((sum, replica) => sum + replica.assigned.size, 0);
  const held: string[] = [];
  if (requests.size + queue.length > 0) held.push(`${requests.size + queue.length} requests`);
  if (assigned > 0) held.push(`${assigned} requests assigned to replicas`);
  return held;
}

import { adapterArrived } from "../../engine/serving/adapter-step.ts";
import type { ServingReplica } from "../../engine/serving/serving-replica.ts";
import { nudge } from "./move-kv.ts";
import type { ReplicaLane, ServingRun } from "./serving-state.ts";
import { settleReplica } from "./settle-replica.ts";

/** Has adapters brought beside iterations: one after the other, and after KV from outside the devices, over the replica's link to its host. */
export function startAdapterLoads(run: ServingRun, { adapters, index }: ServingReplica, nowNs: number): void {
  if (adapters === undefined || adapters.starts.length === 0) return;
  for (const { adapter, ns } of adapters.starts.splice(0)) {
    const atNs = takeLink(run.lanes[index]!, nowNs, ns);
    run.adapterLoads.push(atNs, { replica: index, adapter, epoch: adapters.epoch });
  }
}

/** An adapter is in its slot: those that waited for it may run. */
export function finishAdapterLoad(run: ServingRun, nowNs: number): void {
  const { replica: index, adapter, epoch } = run.adapterLoads.pop()!;
  const { adapters } = run.replicas[index]!;
  if (adapters === undefined || adapters.epoch !== epoch) return;
  settleReplica(run, index, nowNs, true);
  adapterArrived(adapters, adapter);
  nudge(run, index, nowNs);
}

/** When a load that takes `ns` is there, if it begins once the replica's link is free. */
export function takeLink(lane: ReplicaLane, nowNs: number, ns: number): number {
  lane.tierFreeNs = Math.max(lane.tierFreeNs, nowNs) + Math.max(1, ns);
  return lane.tierFreeNs;
}

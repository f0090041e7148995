import { holdsKey } from "../../engine/serving/key-tier.ts";
import type { RequestTable } from "../../engine/serving/request-table.ts";
import type { ServingReplica } from "../../engine/serving/serving-replica.ts";
import type { AdapterView } from "../../policy/serving/serving-routing.ts";

/** Adapters as routing sees them: those of requests that are at each replica, and those in its slots. */
export interface AdapterRoutes {
  readonly view: AdapterView;
  /** By replica: requests that were sent there and have not ended, by adapter. */
  readonly under: readonly Map<number, number>[];
  /** Of the request that is routed. */
  asked: number;
}

/** What a router sees of adapters on each replica: slots, those that nobody needs, and what loading the asked one takes. Units: ns. */
export function adapterRoutes(replicas: readonly ServingReplica[]): AdapterRoutes {
  const under = replicas.map(() => new Map<number, number>());
  const slots = (replica: number): number => replicas[replica]!.adapters!.device.capacity;
  const routes: AdapterRoutes = {
    under,
    asked: -1,
    view: {
      slots,
      freeSlots: (replica) => Math.max(0, slots(replica) - under[replica]!.size),
      loadNs: (replica) => {
        const { device, host, preloaded, hostNs, diskNs } = replicas[replica]!.adapters!;
        const { asked } = routes;
        if (under[replica]!.has(asked) || holdsKey(device, asked)) return 0;
        return hostNs[asked]! + (preloaded || holdsKey(host, asked) ? 0 : diskNs[asked]!);
      },
    },
  };
  return routes;
}

/** A request is sent to a replica (`by` 1), or has ended there (-1). */
export function countAdapter(routes: AdapterRoutes | undefined, requests: RequestTable, request: number, by: 1 | -1): void {
  const adapter = requests.adapter?.[request] ?? -1;
  if (routes === undefined || adapter < 0) return;
  const there = routes.under[requests.at[request]!]!;
  const count = (there.get(adapter) ?? 0) + by;
  if (count > 0) there.set(adapter, count);
  else there.delete(adapter);
}

/** What routing knows of a request's adapter; undefined where it has none. */
export function viewOf(routes: AdapterRoutes | undefined, requests: RequestTable, request: number): AdapterView | undefined {
  const adapter = requests.adapter?.[request] ?? -1;
  if (routes === undefined || adapter < 0) return undefined;
  routes.asked = adapter;
  return routes.view;
}

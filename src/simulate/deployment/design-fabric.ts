import { err, ok, type Result } from "../../base/result.ts";
import type { Pool } from "../../plan/deployment/deployment.ts";
import { devicesOf, ffnDevicesOf } from "../../plan/slo/fleet-plan.ts";
import type { DesignFault, PlannedReplicas } from "../../plan/slo/slo-problem.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { DeploymentNetwork } from "../fabric/read-fabric.ts";
import { type FabricPlace, fabricDevices, type PlacedReplicas, placeOnFabric, placePools } from "./fabric-place.ts";
import { kvWays } from "./kv-ways.ts";

/** Where designs of a search stand on a fabric. */
export interface DesignFabric {
  readonly network: DeploymentNetwork;
  /** The most devices of each kind that an offer has. */
  readonly counts: ReadonlyMap<string, number>;
}

/** A design's place, and the rate at which KV of a request comes to it. */
export interface DesignPlace {
  readonly fabric: FabricPlace;
  /** Of decode replicas from another machine, of those that encode to one. Units: bytes/s. */
  readonly kvBytesPerSecond?: number;
}

/**
 * The place of a design before it is known how many replicas a fleet has of it: as many as the offer has devices and the fabric machines for, so that shares of
 * links are those of the fullest fleet. KV comes from one machine, with nothing else on the way.
 *
 * Errors: `does-not-fit` where the fabric has too few machines.
 */
export function designPlace(
  { network, counts }: DesignFabric,
  pool: Pool,
  { sheet, ffn, factor }: { readonly sheet: DeviceSheet; readonly ffn?: { readonly sheet: DeviceSheet }; readonly factor: number },
): Result<DesignPlace, DesignFault> {
  const topology = scaledTopology(network.topology, factor);
  const own = devicesOf(pool.parallel);
  const placed = (replicas: number): PlacedReplicas => placePools([{ pool: { ...pool, replicas }, sheet, ...(ffn && { ffn }) }])[0]!;
  const one = placed(1);
  const moves = pool.role === "decode" || pool.role === "encode";
  // KV comes from a machine of its own, and what is made of images goes to one.
  const free = topology.devices - (moves ? one.perNode : 0);
  if (fabricDevices([one]) > free) return err({ code: "does-not-fit", detail: `${topology.name} has ${topology.devices} devices` });
  let most = one;
  // Replicas of one machine send nothing to another.
  if (one.nodes > 1 || one.ffn !== undefined) {
    for (let more = 2; more <= offeredReplicas(counts, pool); more++) {
      const next = placed(more);
      if (fabricDevices([next]) > free) break;
      most = next;
    }
  }
  const fabric = { topology, pools: [most], pool: 0 };
  if (!moves) return ok({ fabric });
  const { ffn: _ffn, ...whole } = pool;
  const parallel = { ...pool.parallel, pipeline: 1, data: 1, tensor: Math.min(own, one.perNode) };
  const other = { ...placePools([{ pool: { ...whole, replicas: 1, parallel }, sheet }])[0]!, first: fabricDevices([one]) };
  const ways = kvWays([{ fabric: { ...fabric, pools: [one, other] } }])!;
  const { aloneBytesPerSecond } = pool.role === "encode" ? ways.way(0, 1) : ways.way(1, 0);
  return ok({ fabric, kvBytesPerSecond: aloneBytesPerSecond });
}

/** Replicas of a design that an offer has the devices for, of both kinds where feed-forwards are on others. */
function offeredReplicas(counts: DesignFabric["counts"], { device, parallel, ffn }: Pool): number {
  const own = devicesOf(parallel);
  const theirs = ffnDevicesOf({ ...(ffn && { ffn }) });
  const of = (kind: string, devices: number): number => Math.floor((counts.get(kind) ?? 0) / devices);
  if (ffn === undefined) return of(device, own);
  return ffn.device === device ? of(device, own + theirs) : Math.min(of(device, own), of(ffn.device, theirs));
}

/** Whether a fabric has machines for replicas, in the order given. Errors: `no-basis` for machines of another size; `figure-missing`. */
export function fabricFit(
  network: DeploymentNetwork,
  sheets: ReadonlyMap<string, DeviceSheet>,
): (pools: readonly PlannedReplicas[]) => boolean {
  for (const sheet of sheets.values()) placeOnFabric(network, [{ pool: { replicas: 1, parallel: ONE }, sheet }]);
  return (pools) =>
    fabricDevices(
      placePools(
        pools.map(({ design, replicas }) => ({
          pool: { ...design, replicas },
          sheet: sheets.get(design.device)!,
          ...(design.ffn && { ffn: { sheet: sheets.get(design.ffn.device)! } }),
        })),
      ),
    ) <= network.topology.devices;
}

const ONE: Pool["parallel"] = { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 };

function scaledTopology(topology: DeploymentNetwork["topology"], factor: number): DeploymentNetwork["topology"] {
  return factor === 1 ? topology : { ...topology, bytesPerSecond: topology.bytesPerSecond.map((rate) => rate * factor) };
}

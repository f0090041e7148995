import { err, ok, type Result } from "../../base/result.ts";
import type { Pool } from "../../plan/deployment/deployment.ts";
import { devicesOf } from "../../plan/slo/fleet-plan.ts";
import type { DesignFault, PlannedReplicas } from "../../plan/slo/slo-problem.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { DeploymentNetwork } from "../fabric/read-fabric.ts";
import { type FabricPlace, fabricDevices, placeOnFabric, placePools } from "./fabric-place.ts";
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
  /** Of decode replicas, from another machine. Units: bytes/s. */
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
  { sheet, factor }: { readonly sheet: DeviceSheet; readonly factor: number },
): Result<DesignPlace, DesignFault> {
  const topology = scaledTopology(network.topology, factor);
  const own = devicesOf(pool.parallel);
  const [one] = placePools([{ pool: { ...pool, replicas: 1 }, sheet }]);
  const source = placePools([
    { pool: { ...pool, replicas: 1, parallel: { ...pool.parallel, pipeline: 1, data: 1, tensor: Math.min(own, one!.perNode) } }, sheet },
  ])[0]!;
  const machines = Math.floor(topology.devices / one!.perNode) - (pool.role === "decode" ? 1 : 0);
  if (machines < one!.nodes) return err({ code: "does-not-fit", detail: `${topology.name} has ${topology.devices} devices` });
  const offered = Math.floor((counts.get(pool.device) ?? 0) / own);
  const replicas = one!.nodes === 1 ? 1 : Math.max(1, Math.min(offered, Math.floor(machines / one!.nodes)));
  const fabric = { topology, pools: [{ ...one!, replicas }], pool: 0 };
  if (pool.role !== "decode") return ok({ fabric });
  const beside = { ...source, first: one!.nodes * one!.perNode };
  const ways = kvWays([{ fabric: { ...fabric, pools: [{ ...one!, replicas: 1 }, beside] } }]);
  return ok({ fabric, kvBytesPerSecond: ways!.way(1, 0).aloneBytesPerSecond });
}

/** Whether a fabric has machines for replicas, in the order given. Errors: `no-basis` for machines of another size; `figure-missing`. */
export function fabricFit(
  network: DeploymentNetwork,
  sheets: ReadonlyMap<string, DeviceSheet>,
): (pools: readonly PlannedReplicas[]) => boolean {
  for (const sheet of sheets.values()) placeOnFabric(network, [{ pool: { replicas: 1, parallel: ONE }, sheet }]);
  return (pools) =>
    fabricDevices(
      placePools(pools.map(({ design, replicas }) => ({ pool: { ...design, replicas }, sheet: sheets.get(design.device)! }))),
    ) <= network.topology.devices;
}

const ONE: Pool["parallel"] = { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 };

function scaledTopology(topology: DeploymentNetwork["topology"], factor: number): DeploymentNetwork["topology"] {
  return factor === 1 ? topology : { ...topology, bytesPerSecond: topology.bytesPerSecond.map((rate) => rate * factor) };
}

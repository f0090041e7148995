import { HeddleError } from "../../base/heddle-error.ts";
import { devicesOf } from "../../cost/iteration/cut.ts";
import { PER_NODE } from "../../cost/network/sheet-network.ts";
import type { Pool } from "../../plan/deployment/deployment.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { neededFigure } from "../../rack/catalog/needed-figure.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import type { DeploymentNetwork } from "../fabric/read-fabric.ts";

/** Where the replicas of a pool stand on a fabric: whole machines of neighbouring devices, one after another. */
export interface PlacedReplicas {
  /** The first device of the pool's first machine. */
  readonly first: number;
  readonly perNode: number;
  readonly replicas: number;
  /** Machines of a replica; 1 where a machine has one or several. */
  readonly nodes: number;
  readonly stages: number;
  /** Of a replica. */
  readonly devices: number;
}

/** The fabric's device that is device `device` of a replica. */
export function deviceOf({ first, perNode, nodes, devices }: PlacedReplicas, replica: number, device: number): number {
  if (nodes > 1) return first + replica * nodes * perNode + device;
  const each = Math.floor(perNode / devices);
  return first + Math.floor(replica / each) * perNode + (replica % each) * devices + device;
}

/** A pool's place on a fabric that it shares with the others. */
export interface FabricPlace {
  readonly topology: Topology;
  readonly pools: readonly PlacedReplicas[];
  readonly pool: number;
  /** Rate of every card instead of its share of the fabric: to know what passes it. Units: bytes/s. */
  readonly cards?: number;
}

/**
 * Pools on a fabric in the order of the deployment, each from the next free machine on.
 *
 * Errors: `no-basis` where it has fewer devices than the pools take, or machines of another size; `figure-missing` where a sheet has no `perNode`.
 */
export function placeOnFabric(
  { topology, perNode: ofFabric }: DeploymentNetwork,
  pools: readonly { readonly pool: Pool; readonly sheet: DeviceSheet }[],
): PlacedReplicas[] {
  let first = 0;
  const placed = pools.map(({ pool, sheet }): PlacedReplicas => {
    const perNode = neededFigure(sheet, PER_NODE, sheet.perNode).value;
    if (ofFabric !== undefined && ofFabric !== perNode) {
      throw new HeddleError("no-basis", { where: "fabric", detail: `machines of ${ofFabric} devices; ${sheet.id} has ${perNode} in one` });
    }
    const devices = devicesOf(pool.parallel);
    const nodes = Math.ceil(devices / perNode);
    const machines = nodes > 1 ? pool.replicas * nodes : Math.ceil(pool.replicas / Math.floor(perNode / devices));
    const place = { first, perNode, replicas: pool.replicas, nodes, stages: pool.parallel.pipeline, devices };
    first += machines * perNode;
    return place;
  });
  if (first > topology.devices) {
    const detail = `${topology.name} has ${topology.devices} devices, the pools take machines of ${first}`;
    throw new HeddleError("no-basis", { where: "fabric", detail });
  }
  return placed;
}

import { assert } from "../../base/assert.ts";
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
  /** The machines of its feed-forwards, where those are on devices of their own: behind all of attention's. */
  readonly ffn?: PlacedReplicas;
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
  /** Whose collectives are priced: its feed-forwards', where they are on devices of their own; absent: attention's, or the whole replica's. */
  readonly side?: "ffn";
  /** Rate of every card instead of its share of the fabric: to know what passes it. Units: bytes/s. */
  readonly cards?: number;
  /** Other traffic that one replica's collectives share links with; absent: none, and prices are those of the pool's slowest replica. */
  readonly beside?: { readonly replica: number; readonly flows: readonly BesideFlow[] };
}

/** A flow between two devices; `bytesPerSecondMax` is what it never exceeds. */
export interface BesideFlow {
  readonly from: number;
  readonly to: number;
  readonly bytesPerSecondMax?: number;
}

/** What of a pool says where it stands. */
export interface PlacedPool {
  readonly pool: Pick<Pool, "replicas" | "parallel" | "ffn">;
  readonly sheet: DeviceSheet;
  /** Devices of its feed-forwards; needed where the pool has an FFN side. */
  readonly ffn?: { readonly sheet: DeviceSheet };
}

/**
 * Pools on machines in the order given, each from the next free one on; of a pool with an FFN side first attention's machines of all replicas, then the
 * feed-forwards'. Errors: `figure-missing` where a sheet has no `perNode`.
 */
export function placePools(pools: readonly PlacedPool[]): PlacedReplicas[] {
  let first = 0;
  const placed = (sheet: DeviceSheet, of: Pick<PlacedReplicas, "replicas" | "stages" | "devices">): PlacedReplicas => {
    const perNode = neededFigure(sheet, PER_NODE, sheet.perNode).value;
    const place = { first, perNode, nodes: Math.ceil(of.devices / perNode), ...of };
    first += machinesOf(place) * perNode;
    return place;
  };
  return pools.map(({ pool: { replicas, parallel, ffn }, sheet, ffn: parts }): PlacedReplicas => {
    const own = placed(sheet, { replicas, stages: parallel.pipeline, devices: devicesOf(parallel) });
    if (ffn === undefined) return own;
    assert(parts !== undefined, "a pool with an FFN side is placed with its devices");
    return { ...own, ffn: placed(parts.sheet, { replicas, stages: 1, devices: ffn.parallel.tensor * ffn.parallel.expert }) };
  });
}

/** A pool's machines: of the whole replicas, or of attention and then of feed-forwards. */
export function sidesOf(placed: PlacedReplicas): readonly PlacedReplicas[] {
  return placed.ffn === undefined ? [placed] : [placed, placed.ffn];
}

/** Devices of all machines up to the last one that is taken. */
export function fabricDevices(placed: readonly PlacedReplicas[]): number {
  const last = placed.flatMap(sidesOf).at(-1);
  return last === undefined ? 0 : last.first + machinesOf(last) * last.perNode;
}

function machinesOf({ replicas, nodes, perNode, devices }: PlacedReplicas): number {
  return nodes > 1 ? replicas * nodes : Math.ceil(replicas / Math.floor(perNode / devices));
}

/**
 * Pools on a fabric in the order of the deployment, each from the next free machine on.
 *
 * Errors: `no-basis` where it has fewer devices than the pools take, or machines of another size; `figure-missing` where a sheet has no `perNode`.
 */
export function placeOnFabric({ topology, perNode: ofFabric }: DeploymentNetwork, pools: readonly PlacedPool[]): PlacedReplicas[] {
  const placed = placePools(pools);
  for (const [i, of] of placed.entries()) {
    for (const [side, { perNode }] of sidesOf(of).entries()) {
      if (ofFabric === undefined || ofFabric === perNode) continue;
      const { id } = side === 0 ? pools[i]!.sheet : pools[i]!.ffn!.sheet;
      throw new HeddleError("no-basis", { where: "fabric", detail: `machines of ${ofFabric} devices; ${id} has ${perNode} in one` });
    }
  }
  const taken = fabricDevices(placed);
  if (taken > topology.devices) {
    const detail = `${topology.name} has ${topology.devices} devices, the pools take machines of ${taken}`;
    throw new HeddleError("no-basis", { where: "fabric", detail });
  }
  return placed;
}

import type { Result } from "../../base/result.ts";
import { type FigureUnit, figureQuantity, unitHint } from "../../rack/catalog/figure-text.ts";
import { fatTree } from "../../rack/topology/fat-tree.ts";
import { leafSpine } from "../../rack/topology/leaf-spine.ts";
import { railFabric } from "../../rack/topology/rail-fabric.ts";
import { scaleUpDomain } from "../../rack/topology/scale-up-domain.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import type { TopologyFault } from "../../rack/topology/topology-fault.ts";
import { torus } from "../../rack/topology/torus.ts";
import { readYaml, type YamlContent } from "../../rack/yaml-text.ts";
import type { CollectiveJob, CollectiveRun } from "../flows/collective-job.ts";
import { nodeRings } from "../flows/node-rings.ts";
import { simulateCollectives } from "../flows/simulate-collectives.ts";
import { fabricSchema, networkSchema, type WrittenFabric, type WrittenJob } from "./fabric-schema.ts";

const TEXT_MAX = 4_000_000;
const DEVICES_MAX = 65_536;

export interface FabricRun {
  readonly topology: Topology;
  readonly runs: readonly CollectiveRun[];
}

/** A network, with the devices of a machine where its kind has machines. */
export interface DeploymentNetwork {
  readonly topology: Topology;
  readonly perNode?: number;
}

type Reading = YamlContent<WrittenFabric>;

/** Runs the collectives that a fabric file (YAML) describes. Errors: `fabric-invalid` with line and field. */
export function runFabric(text: string): FabricRun {
  const read = readYaml(text, { code: "fabric-invalid", schema: fabricSchema, textMax: TEXT_MAX });
  const made = topologyOf(read);
  if (!made.ok) throw read.invalidAt(["fabric"], made.error.detail);
  const topology = made.value;
  const runs = simulateCollectives(
    topology,
    read.value.jobs.map((job, at) => jobOf(read, job, at)),
  );
  if (!runs.ok) throw read.invalidAt(["jobs"], runs.error.detail);
  return { topology, runs: runs.value };
}

/** The network of a fabric file that a deployment names: `fabric` alone, as the deployment's own traffic goes over it. Errors: `fabric-invalid`. */
export function readNetwork(text: string): DeploymentNetwork {
  const read = readYaml(text, { code: "fabric-invalid", schema: networkSchema, textMax: TEXT_MAX });
  const made = topologyOf(read);
  if (!made.ok) throw read.invalidAt(["fabric"], made.error.detail);
  const { fabric } = read.value;
  return { topology: made.value, ...(fabric.kind === "rails" ? { perNode: fabric.devicesPerNode } : {}) };
}

function topologyOf(read: YamlContent<Pick<WrittenFabric, "fabric">>): Result<Topology, TopologyFault> {
  const { fabric } = read.value;
  const rate = (field: string, written: number | string): number => amountOf(read, ["fabric", field], { written, unit: "bytes/s" });
  const devices = devicesOf(fabric);
  if (devices > DEVICES_MAX) throw read.invalidAt(["fabric"], `${devices} devices, at most ${DEVICES_MAX} are simulated`);
  switch (fabric.kind) {
    case "scale-up":
      return scaleUpDomain({ devices: fabric.devices, bytesPerSecond: rate("bytesPerSecond", fabric.bytesPerSecond) });
    case "fat-tree":
      return fatTree({ ports: fabric.ports, bytesPerSecond: rate("bytesPerSecond", fabric.bytesPerSecond) });
    case "torus":
      return torus({ sizes: fabric.sizes, bytesPerSecond: rate("bytesPerSecond", fabric.bytesPerSecond) });
    case "leaf-spine":
      return leafSpine({
        ...fabric,
        cardBytesPerSecond: rate("cardBytesPerSecond", fabric.cardBytesPerSecond),
        spineBytesPerSecond: rate("spineBytesPerSecond", fabric.spineBytesPerSecond),
      });
    case "rails":
      return railFabric({
        ...fabric,
        scaleUpBytesPerSecond: rate("scaleUpBytesPerSecond", fabric.scaleUpBytesPerSecond),
        cardBytesPerSecond: rate("cardBytesPerSecond", fabric.cardBytesPerSecond),
        spineBytesPerSecond: rate("spineBytesPerSecond", fabric.spineBytesPerSecond),
      });
  }
}

function devicesOf(fabric: WrittenFabric["fabric"]): number {
  switch (fabric.kind) {
    case "scale-up":
      return fabric.devices;
    case "fat-tree":
      return (fabric.ports * fabric.ports * fabric.ports) / 4;
    case "torus":
      return fabric.sizes.reduce((product, size) => product * size, 1);
    case "leaf-spine":
      return fabric.leaves * fabric.devicesPerLeaf;
    case "rails":
      return fabric.nodes * fabric.devicesPerNode;
  }
}

function jobOf(read: Reading, job: WrittenJob, at: number): CollectiveJob {
  const amount = (field: "bytes" | "startNs" | "stepNs" | "pauseNs", unit: FigureUnit): number =>
    amountOf(read, ["jobs", at, field], { written: job[field] ?? 0, unit });
  return {
    name: job.name,
    kind: job.kind,
    ...(job.algorithm === undefined ? {} : { algorithm: job.algorithm }),
    orders: ordersOf(read, job, at),
    bytes: amount("bytes", "bytes"),
    startNs: amount("startNs", "ns"),
    stepNs: amount("stepNs", "ns"),
    pauseNs: amount("pauseNs", "ns"),
    ...(job.repeats === undefined ? {} : { repeats: job.repeats }),
  };
}

/** The order of the devices named, or a channel for each card of the nodes named. */
function ordersOf(read: Reading, { kind, devices, nodes }: WrittenJob, at: number): readonly (readonly number[])[] {
  const { fabric } = read.value;
  if ((devices === undefined) === (nodes === undefined)) throw read.invalidAt(["jobs", at], "needs either devices or nodes");
  if (devices !== undefined) return [devices];
  if (fabric.kind !== "rails") throw read.invalidAt(["jobs", at, "nodes"], "only a fabric of rails has nodes");
  const beyond = nodes!.find((node) => node >= fabric.nodes);
  if (beyond !== undefined) throw read.invalidAt(["jobs", at, "nodes"], `node ${beyond} of ${fabric.nodes}, counted from 0`);
  const each = fabric.devicesPerNode;
  const channels = nodeRings(nodes!.length, each).map((order) => order.map((d) => nodes![Math.floor(d / each)]! * each + (d % each)));
  return kind === "all-to-all" ? channels.slice(0, 1) : channels;
}

function amountOf(
  read: Pick<Reading, "invalidAt">,
  path: readonly PropertyKey[],
  { written, unit }: { written: number | string; unit: FigureUnit },
): number {
  const value = typeof written === "number" ? written : figureQuantity(written, unit);
  if (value === undefined) throw read.invalidAt(path, `must be ${unitHint(unit).split(" or, with")[0]}`);
  return value;
}

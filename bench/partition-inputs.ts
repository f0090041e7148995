/** Reads the inputs of msr-fiddle/dnn-partitioning. */
import { readFileSync } from "node:fs";
import type { PartitionProblem } from "../src/plan/partition/problem.ts";

interface RawInput {
  readonly maxFPGAs: number;
  readonly maxCPUs: number;
  readonly maxSizePerFPGA: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly supportedOnFpga: number | boolean;
    readonly cpuLatency: number;
    readonly fpgaLatency: number;
    readonly isBackwardNode: number | boolean;
    readonly colorClass?: number | null;
    readonly size: number;
  }[];
  readonly edges: readonly { readonly sourceId: number; readonly destId: number; readonly cost: number }[];
}

export interface PartitionInput {
  readonly problem: PartitionProblem;
  /** Index of the node with an id of the file. */
  readonly indexOf: ReadonlyMap<number, number>;
}

/** One input: accelerators are type 0, CPUs type 1 with memory without limit. */
export function readPartitionInput(path: string): PartitionInput {
  const raw = JSON.parse(readFileSync(path, "utf8")) as RawInput;
  const indexOf = new Map(raw.nodes.map(({ id }, i) => [id, i]));
  const cost = new Map(raw.edges.map((edge) => [edge.sourceId, edge.cost]));
  const problem: PartitionProblem = {
    types: [
      { name: "accelerator", count: raw.maxFPGAs, memoryBytes: raw.maxSizePerFPGA, transferFactor: 1 },
      { name: "cpu", count: raw.maxCPUs, memoryBytes: Infinity, transferFactor: 0 },
    ],
    nodes: raw.nodes.map((node) => ({
      times: [node.supportedOnFpga ? node.fpgaLatency : Infinity, node.cpuLatency],
      bytes: node.size,
      outputCost: cost.get(node.id) ?? 0,
      ...(node.colorClass === undefined || node.colorClass === null ? {} : { colour: node.colorClass }),
      backward: Boolean(node.isBackwardNode),
    })),
    edges: raw.edges.map(({ sourceId, destId }) => [indexOf.get(sourceId)!, indexOf.get(destId)!] as const),
  };
  return { problem, indexOf };
}

/** Devices of a human split, by node. */
export function readExpertSplit(path: string, { problem, indexOf }: PartitionInput): Int32Array {
  const raw = JSON.parse(readFileSync(path, "utf8")) as Record<"cpus" | "fpgas", readonly { readonly nodes: readonly number[] }[]>;
  const deviceOf = new Int32Array(problem.nodes.length).fill(-1);
  raw.fpgas.forEach(({ nodes }, device) => {
    for (const id of nodes) deviceOf[indexOf.get(id)!] = device;
  });
  raw.cpus.forEach(({ nodes }, cpu) => {
    for (const id of nodes) deviceOf[indexOf.get(id)!] = problem.types[0]!.count + cpu;
  });
  return deviceOf;
}

import { assert } from "../../base/assert.ts";

/**
 * A graph of operators to be placed on devices of several types. Times and transfer costs share one unit, any; `bytes` are bytes.
 *
 * Model: the objective and the rules of Tarnawski et al., "Efficient algorithms for device placement of DNN graph operators" (NeurIPS 2020), with
 * any number of device types in place of accelerator and CPU.
 */
export interface PartitionProblem {
  readonly types: readonly DeviceType[];
  readonly nodes: readonly OperatorNode[];
  /** Indices of nodes: the second reads what the first makes. */
  readonly edges: readonly (readonly [source: number, target: number])[];
}

/** Devices that are alike. */
export interface DeviceType {
  readonly name: string;
  readonly count: number;
  /** What each of them holds. */
  readonly memoryBytes: number;
  /**
   * Share of a transfer cost that such a device pays: 1 for an accelerator behind a link, 0 for the CPU whose memory all transfers pass through. Racks whose
   * devices hang on a switch or host memory by links of unlike speed are told so: each side of a transfer pays on its own link. A link between one pair of
   * devices only (a bridge) is not: then a payment would depend on who reads.
   */
  readonly transferFactor: number;
}

export interface OperatorNode {
  /** Time on each device type, in the order of `types`; Infinity where it is not supported. */
  readonly times: readonly number[];
  readonly bytes: number;
  /** Cost of moving its output over a link of factor 1: its maker pays once where another device reads it, and each other device that reads it once. */
  readonly outputCost: number;
  /** Nodes of one colour share a device. */
  readonly colour?: number;
  /** Part of a backward pass: counts as work, and leaves the order of stages to the forward part. */
  readonly backward: boolean;
}

/** Device of every node: devices are numbered type by type, in the order of `types`. */
export type Assignment = Int32Array;

/** Type of every device. */
export function deviceTypes(types: readonly DeviceType[]): Int32Array {
  return Int32Array.from(types.flatMap(({ count }, type) => Array.from({ length: count }, () => type)));
}

/** Asserts what every part of the partitioner takes for granted. */
export function checkProblem({ types, nodes, edges }: PartitionProblem): void {
  assert(types.length > 0, "a problem has a device type");
  for (const type of types) assert(type.count >= 0 && type.transferFactor >= 0, "a device type is well formed", type);
  for (const node of nodes) {
    assert(node.times.length === types.length && node.times.every((time) => time >= 0), "a node has a time for each device type", node);
    assert(node.bytes >= 0 && node.outputCost >= 0, "a node's bytes and cost are not negative", node);
  }
  for (const [source, target] of edges) {
    assert(nodes[source] !== undefined && nodes[target] !== undefined && source !== target, "an edge joins two nodes", [source, target]);
  }
}

import type { AttributeValue } from "../ir/graph.ts";

/** A node of a Chakra execution trace, whichever form it was written in. Source: mlcommons/chakra, schema/protobuf/et_def.proto. */
export interface ChakraNode {
  /** A 64-bit number, as its digits. */
  readonly id: string;
  readonly name: string;
  readonly type: number;
  readonly ctrlDeps: readonly string[];
  readonly dataDeps: readonly string[];
  readonly startMicros: number;
  readonly durationMicros: number;
  readonly inputs: ChakraIo | undefined;
  readonly outputs: ChakraIo | undefined;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** Arguments of a call as texts in Python's notation. */
export interface ChakraIo {
  readonly values: string;
  readonly shapes: string;
  readonly types: string;
}

/** Names of node types by number. Source: et_def.proto, NodeType. */
export const NODE_TYPES: readonly string[] = [
  "INVALID",
  "METADATA",
  "MEM_LOAD",
  "MEM_STORE",
  "COMP",
  "COMM_SEND",
  "COMM_RECV",
  "COMM_COLL",
  "STORAGE",
  "BATCH",
  "CHECKPOINT",
];

/** Source: et_def.proto, CollectiveCommType. */
export const COLLECTIVES: readonly string[] = [
  "ALL_REDUCE",
  "REDUCE",
  "ALL_GATHER",
  "GATHER",
  "SCATTER",
  "BROADCAST",
  "ALL_TO_ALL",
  "REDUCE_SCATTER",
  "REDUCE_SCATTER_BLOCK",
  "BARRIER",
];

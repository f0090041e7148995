import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A node as a test writes it; field numbers are those of et_def.proto. */
export interface WrittenNode {
  readonly id: number | bigint;
  readonly name?: string;
  readonly type: number;
  readonly dataDeps?: readonly number[];
  readonly ctrlDeps?: readonly number[];
  readonly durationMicros?: number;
  readonly inputs?: readonly [values: string, shapes: string, types: string];
  readonly outputs?: readonly [values: string, shapes: string, types: string];
  readonly attributes?: Readonly<Record<string, number | string | boolean | readonly number[]>>;
}

/** A trace in protobuf: every message behind its length. */
export function writeChakra(nodes: readonly WrittenNode[], version = "0.0.4"): Uint8Array {
  const trace = new BinaryWriter();
  trace.bytes(new BinaryWriter().tag(1, WireType.LengthDelimited).string(version).finish());
  for (const node of nodes) trace.bytes(nodeBytes(node));
  return trace.finish();
}

function nodeBytes(node: WrittenNode): Uint8Array {
  const out = new BinaryWriter();
  out.tag(1, WireType.Varint).uint64(node.id);
  if (node.name !== undefined) out.tag(2, WireType.LengthDelimited).string(node.name);
  out.tag(3, WireType.Varint).int32(node.type);
  for (const [field, list] of [[4, node.ctrlDeps] as const, [5, node.dataDeps] as const]) {
    if (list !== undefined) {
      out.tag(field, WireType.LengthDelimited).fork();
      for (const id of list) out.uint64(id);
      out.join();
    }
  }
  if (node.durationMicros !== undefined) out.tag(7, WireType.Varint).uint64(node.durationMicros);
  for (const [field, io] of [[8, node.inputs] as const, [9, node.outputs] as const]) {
    if (io !== undefined) {
      out.tag(field, WireType.LengthDelimited).fork();
      for (const [at, text] of io.entries()) out.tag(at + 1, WireType.LengthDelimited).string(text);
      out.join();
    }
  }
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    out.tag(10, WireType.LengthDelimited).fork();
    out.tag(1, WireType.LengthDelimited).string(name);
    if (typeof value === "boolean") out.tag(27, WireType.Varint).bool(value);
    else if (typeof value === "string") out.tag(29, WireType.LengthDelimited).string(value);
    else if (typeof value === "number" && Number.isInteger(value)) out.tag(9, WireType.Varint).int64(value);
    else if (typeof value === "number") out.tag(3, WireType.Bit64).double(value);
    else {
      out.tag(10, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
      for (const each of value) out.int64(each);
      out.join().join();
    }
    out.join();
  }
  return out.finish();
}

/** Two layers on one of two devices: products, a collective between them, memory beside. */
export const SMALL_TRACE: readonly WrittenNode[] = [
  { id: 1, name: "load", type: 2, attributes: { tensor_size: 4096 } },
  { id: 2, name: "mm", type: 4, dataDeps: [1], durationMicros: 12, attributes: { num_ops: 1_000_000, tensor_size: 2048 } },
  {
    id: 3,
    name: "all-reduce",
    type: 7,
    dataDeps: [2],
    attributes: { comm_type: 0, comm_size: 512, comm_group: "0", involved_dim: [1, 0] },
  },
  {
    id: 4,
    name: "mm",
    type: 4,
    dataDeps: [3],
    ctrlDeps: [2],
    attributes: { num_ops: 3_000_000, tensor_size: 1024, ratio: 0.5, is_cpu_op: false },
  },
  { id: 5, name: "send", type: 5, dataDeps: [4], attributes: { comm_size: 64, comm_dst: 1, comm_tag: 7 } },
];

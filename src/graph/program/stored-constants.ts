import type { GraphProto, NodeProto, SparseTensorProto, TensorProto } from "../onnx/generated/onnx_pb.ts";
import { changed } from "../onnx/inline-functions.ts";
import { isConstant } from "../onnx/read-graph.ts";
import { sparseInside, tensorInside, withDataInside } from "./inline-data.ts";
import { type DataFiles, storedBytes } from "./stored-bytes.ts";

/** A stored tensor of the outermost graph, in the form a stage's model takes it. */
export type StoredConstant = { bytes(): Uint8Array | undefined } & (
  | { readonly form: "tensor"; readonly tensor: TensorProto }
  | { readonly form: "sparse"; readonly sparse: SparseTensorProto }
  /** A `Constant` node that is no tensor: a number, a text or a list of them. */
  | { readonly form: "node"; readonly node: NodeProto }
);

/** Initialisers and constants of a graph, by name; data is read when it is asked for. */
export function storedConstants(graph: GraphProto, files: DataFiles): ReadonlyMap<string, StoredConstant> {
  const constants = new Map<string, StoredConstant>();
  const tensor = (proto: TensorProto): StoredConstant => ({ form: "tensor", tensor: proto, bytes: () => storedBytes(proto, files) });
  for (const each of graph.initializer) constants.set(each.name, tensor(each));
  for (const each of graph.sparseInitializer) constants.set(each.values?.name ?? "", sparse(each, files));
  for (const node of graph.node) {
    if (!isConstant(node)) continue;
    const name = node.output[0]!;
    const value = node.attribute.find((attribute) => attribute.name === "value")?.t;
    if (value !== undefined) constants.set(name, tensor(changed(value, { name })));
    else constants.set(name, { form: "node", node: withDataInside(node, files), bytes: () => undefined });
  }
  return constants;
}

function sparse(proto: SparseTensorProto, files: DataFiles): StoredConstant {
  return {
    form: "sparse",
    sparse: sparseInside(proto, files),
    bytes: () => (proto.values === undefined ? undefined : storedBytes(tensorInside(proto.values, files), files)),
  };
}

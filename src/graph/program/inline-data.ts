import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "../onnx/generated/onnx_pb.ts";
import { changed } from "../onnx/inline-functions.ts";
import { type DataFiles, storedBytes, wholeTensor } from "./stored-bytes.ts";

/** A node whose attributes and bodies hold all their data themselves: runtimes look for data outside only in the outermost graph. */
export function withDataInside(node: NodeProto, files: DataFiles): NodeProto {
  const attribute = node.attribute.map((each) => insideAttribute(each, files));
  return attribute.every((each, at) => each === node.attribute[at]) ? node : changed(node, { attribute });
}

/** A tensor with its data in the protobuf. */
export function tensorInside(tensor: TensorProto, files: DataFiles): TensorProto {
  if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) return tensor;
  const rawData = storedBytes(tensor, files);
  if (rawData === undefined) return changed(wholeTensor(tensor, files.own), { name: tensor.name });
  return create(TensorProtoSchema, { name: tensor.name, dataType: tensor.dataType, dims: tensor.dims, rawData });
}

export function sparseInside(sparse: SparseTensorProto, files: DataFiles): SparseTensorProto {
  const inside: Partial<SparseTensorProto> = {};
  if (sparse.values !== undefined) inside.values = tensorInside(sparse.values, files);
  if (sparse.indices !== undefined) inside.indices = tensorInside(sparse.indices, files);
  return changed(sparse, inside);
}

function insideAttribute(attribute: AttributeProto, files: DataFiles): AttributeProto {
  const { t, g, sparseTensor, tensors } = attribute;
  if (t === undefined && g === undefined && sparseTensor === undefined && tensors.length === 0) return attribute;
  const inside: Partial<AttributeProto> = {};
  if (t !== undefined) inside.t = tensorInside(t, files);
  if (g !== undefined) inside.g = insideGraph(g, files);
  if (sparseTensor !== undefined) inside.sparseTensor = sparseInside(sparseTensor, files);
  if (tensors.length > 0) inside.tensors = tensors.map((each) => tensorInside(each, files));
  return changed(attribute, inside);
}

function insideGraph(graph: GraphProto, files: DataFiles): GraphProto {
  return changed(graph, {
    node: graph.node.map((node) => withDataInside(node, files)),
    initializer: graph.initializer.map((tensor) => tensorInside(tensor, files)),
    sparseInitializer: graph.sparseInitializer.map((sparse) => sparseInside(sparse, files)),
  });
}

import type { GraphProto, NodeProto, TensorProto } from "../../graph/onnx/generated/onnx_pb.ts";
import { decodeModel } from "../../graph/onnx/read-onnx.ts";
import { OWN_FILE } from "../../graph/onnx/skim.ts";
import { openFileBytes } from "../file-bytes.ts";

/** Files beside an ONNX file that hold data of its stored tensors. Errors: those of reading it. */
export function externalFiles(path: string): readonly string[] {
  const file = openFileBytes(path);
  try {
    const names = new Set<string>();
    const note = ({ externalData }: TensorProto): void => {
      for (const { key, value } of externalData) if (key === "location" && value !== OWN_FILE) names.add(value);
    };
    walk(decodeModel(file).graph, note);
    return [...names].sort();
  } finally {
    file.close();
  }
}

function walk(graph: GraphProto, note: (tensor: TensorProto) => void): void {
  graph.initializer.forEach(note);
  for (const { values, indices } of graph.sparseInitializer) for (const tensor of [values, indices]) if (tensor !== undefined) note(tensor);
  for (const node of graph.node) walkNode(node, note);
}

function walkNode({ attribute }: NodeProto, note: (tensor: TensorProto) => void): void {
  for (const { t, tensors, g, graphs } of attribute) {
    for (const tensor of t === undefined ? tensors : [t, ...tensors]) note(tensor);
    for (const graph of g === undefined ? graphs : [g, ...graphs]) walk(graph, note);
  }
}

import { readFileSync, rmSync } from "node:fs";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { HeddleError } from "../src/base/heddle-error.ts";
import { type GraphProto, type ModelProto, ModelProtoSchema, type NodeProto } from "../src/graph/onnx/generated/onnx_pb.ts";
import { namesRead } from "../src/graph/onnx/order-nodes.ts";

/** An ONNX Runtime flatbuffer as an ONNX model: the runtime reads the one and writes the other. `scratch` is a path it may write to. */
export async function onnxFromOrt(source: string, scratch: string): Promise<ModelProto> {
  const ort = await import("onnxruntime-node");
  const options = { graphOptimizationLevel: "disabled", optimizedModelFilePath: scratch, logSeverityLevel: 3 } as const;
  const session = await ort.InferenceSession.create(source, { ...options, extra: { session: { save_model_format: "ONNX" } } });
  await session.release();
  const model = fromBinary(ModelProtoSchema, readFileSync(scratch));
  rmSync(scratch);
  // The runtime names every operator set it knows; only those that nodes are of stay.
  model.opsetImport = model.opsetImport.filter(({ domain }) => domain === "" || domain === "com.microsoft");
  return model;
}

/**
 * One branch of a model that is a single If, as a model of its own: only what its outputs read stays. `outputs`: those to keep; all without it.
 */
export function branchOf(
  model: ModelProto,
  options: { branch: "then_branch" | "else_branch"; outputs?: (name: string) => boolean },
): Uint8Array {
  const whole = model.graph!;
  const choice = whole.node.find(({ opType }) => opType === "If");
  const branch = choice?.attribute.find(({ name }) => name === options.branch)?.g;
  if (choice === undefined || branch === undefined) throw new HeddleError("onnx-invalid", { detail: `no ${options.branch}` });
  const kept = branch.output.flatMap(({ name }, at) => {
    const outside = choice.output[at]!;
    if (name !== outside) throw new HeddleError("onnx-invalid", { detail: `${outside} is ${name} inside` });
    return (options.outputs ?? (() => true))(name) ? [name] : [];
  });
  const nodes = needed([...whole.node.filter((node) => node !== choice), ...branch.node], kept);
  const read = new Set([...nodes.flatMap((node) => [...namesRead(node)]), ...kept]);
  const isRead = ({ name }: { readonly name: string }): boolean => read.has(name);
  const graph: GraphProto = {
    ...whole,
    name: options.branch,
    node: nodes,
    initializer: [...whole.initializer, ...branch.initializer].filter(isRead),
    input: whole.input.filter(isRead),
    output: whole.output.filter(({ name }) => kept.includes(name)),
    valueInfo: [],
  };
  return toBinary(ModelProtoSchema, { ...model, graph });
}

/** The nodes that what is kept comes from, in their order. */
function needed(nodes: readonly NodeProto[], outputs: readonly string[]): NodeProto[] {
  const wanted = new Set(outputs);
  return nodes
    .toReversed()
    .filter((node) => {
      const isNeeded = node.output.some((name) => wanted.has(name));
      if (isNeeded) for (const name of namesRead(node)) wanted.add(name);
      return isNeeded;
    })
    .reverse();
}

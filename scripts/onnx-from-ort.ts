import { readFileSync, rmSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { HeddleError } from "../src/base/heddle-error.ts";
import { type ModelProto, ModelProtoSchema } from "../src/graph/onnx/generated/onnx_pb.ts";
import { prune } from "./onnx-edit.ts";

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

/** One branch of a model that is a single If, as a model of its own. */
export function branchOf(model: ModelProto, name: "then_branch" | "else_branch"): ModelProto {
  const whole = model.graph!;
  const choice = whole.node.find(({ opType }) => opType === "If");
  const branch = choice?.attribute.find((attribute) => attribute.name === name)?.g;
  if (choice === undefined || branch === undefined) throw new HeddleError("onnx-invalid", { detail: `there is no ${name}` });
  if (branch.output.some((output, at) => output.name !== choice.output[at]))
    throw new HeddleError("onnx-invalid", { detail: `outputs of ${name} have other names inside` });
  const graph = {
    ...whole,
    name,
    node: [...whole.node.filter((node) => node !== choice), ...branch.node],
    initializer: [...whole.initializer, ...branch.initializer],
    valueInfo: [],
  };
  prune(graph);
  return { ...model, graph };
}

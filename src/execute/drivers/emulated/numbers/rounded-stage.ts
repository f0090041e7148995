import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { OnnxModel } from "../../../../graph/onnx/builder.ts";
import {
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
} from "../../../../graph/onnx/generated/onnx_pb.ts";
import type { StageModel } from "../../../../graph/program/program.ts";
import type { PeakType } from "../../../../rack/peak-type.ts";
import { roundedTo } from "./rounded.ts";

/** A stage whose stored f32 tensors hold only what the format can hold. Tensors of other types, and those of bodies of loops and branches, stay. */
export function roundedStage(stage: StageModel, format: PeakType): StageModel {
  return { ...stage, key: `${stage.key}-${format}`, model: roundedModel(stage.model, format) };
}

function roundedModel({ model, weights }: OnnxModel, format: PeakType): OnnxModel {
  const proto = fromBinary(ModelProtoSchema, model);
  const outside = new Map<string, TensorProto>();
  for (const tensor of proto.graph?.initializer ?? []) {
    if (tensor.dataType !== TensorProto_DataType.FLOAT) continue;
    if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL) {
      outside.set(tensor.externalData.find(({ key }) => key === "location")?.value ?? "", tensor);
      continue;
    }
    const values = tensor.rawData.length > 0 ? floatsOf(tensor.rawData) : Float32Array.from(tensor.floatData);
    tensor.rawData = bytesOf(roundedTo(format, values, rowLength(tensor)));
    tensor.floatData = [];
  }
  return {
    model: toBinary(ModelProtoSchema, create(ModelProtoSchema, proto)),
    weights: weights.map(({ path, data }) => {
      const tensor = outside.get(path);
      return tensor === undefined ? { path, data } : { path, data: bytesOf(roundedTo(format, floatsOf(data), rowLength(tensor))) };
    }),
  };
}

function rowLength({ dims }: TensorProto): number {
  return Number(dims.at(-1) ?? 1);
}

/** A copy where the bytes do not lie on a boundary of 4. */
function floatsOf(data: Uint8Array): Float32Array {
  if (data.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0) return new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  // Not `slice`: of a Buffer of Node it is a view.
  return new Float32Array(new Uint8Array(data).buffer);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

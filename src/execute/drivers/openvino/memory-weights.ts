import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";
import { ModelProtoSchema, StringStringEntryProtoSchema } from "../../../graph/onnx/generated/onnx_pb.ts";

/**
 * Location that makes OpenVINO's ONNX reader take external data from an address of this process, `offset`, instead of a file.
 * Source: src/frontends/onnx/frontend/src/utils/tensor_external_data.hpp (`ORT_MEM_ADDR`), which ONNX Runtime's own provider uses.
 */
const FROM_MEMORY = "*/_ORT_MEM_ADDR_/*";

/** The protobuf with its external weights named by their addresses: nothing of them is copied, so they must outlive what is made of it. */
export function withWeightAddresses({ model, weights }: OnnxModel, addressOf: (data: Uint8Array) => bigint): Uint8Array {
  if (weights.length === 0) return model;
  const proto = fromBinary(ModelProtoSchema, model);
  const byPath = new Map(weights.map((weight) => [weight.path, weight.data]));
  for (const tensor of proto.graph?.initializer ?? []) {
    const location = tensor.externalData.find((entry) => entry.key === "location")?.value;
    const data = location === undefined ? undefined : byPath.get(location);
    if (data === undefined) continue;
    const entries = { location: FROM_MEMORY, offset: String(addressOf(data)), length: String(data.byteLength) };
    tensor.externalData = Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
  }
  return toBinary(ModelProtoSchema, proto);
}

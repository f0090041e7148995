import { create } from "@bufbuild/protobuf";
import { constantOf } from "../ir/expression.ts";
import type { DataType, Tensor } from "../ir/graph.ts";
import { TensorProto_DataType as Type, type ValueInfoProto, ValueInfoProtoSchema } from "../onnx/generated/onnx_pb.ts";
import { typeOfNumber } from "../shapes/element-types.ts";

/** Numbers of element types. Source: onnx.proto, TensorProto.DataType; the last four are newer than its names here. */
export const NUMBERS: Readonly<Record<Exclude<DataType, "unknown">, number>> = {
  f32: Type.FLOAT,
  u8: Type.UINT8,
  i8: Type.INT8,
  u16: Type.UINT16,
  i16: Type.INT16,
  i32: Type.INT32,
  i64: Type.INT64,
  string: Type.STRING,
  bool: Type.BOOL,
  f16: Type.FLOAT16,
  f64: Type.DOUBLE,
  u32: Type.UINT32,
  u64: Type.UINT64,
  complex64: Type.COMPLEX64,
  bf16: Type.BFLOAT16,
  f8e4m3: 17,
  f8e5m2: 19,
  u4: 21,
  i4: 22,
  f4e2m1: 23,
};

/**
 * What a stage's protobuf states of a tensor that enters or leaves it.
 *
 * Model: what the file states of an input of the whole model stays as it is. Otherwise sizes that are known are stated and others left open:
 * names could make a runtime take two sizes to be equal that are not.
 */
export function portInfo(tensor: Tensor, stated: ValueInfoProto | undefined): ValueInfoProto {
  if (tensor.origin === "input" && stated !== undefined) return stated;
  const number = stated?.type?.value.case === "tensorType" ? stated.type.value.value.elemType : 0;
  const elemType = number !== 0 && typeOfNumber(number) === tensor.type ? number : tensor.type === "unknown" ? 0 : NUMBERS[tensor.type];
  if (elemType === 0) return create(ValueInfoProtoSchema, { name: tensor.name });
  const dim = tensor.shape?.map((size) => {
    const known = constantOf(size);
    return known === undefined ? {} : { value: { case: "dimValue" as const, value: BigInt(known) } };
  });
  const tensorType = dim === undefined ? { elemType } : { elemType, shape: { dim } };
  return create(ValueInfoProtoSchema, { name: tensor.name, type: { value: { case: "tensorType", value: tensorType } } });
}

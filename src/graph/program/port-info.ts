import { create } from "@bufbuild/protobuf";
import { constantOf } from "../ir/expression.ts";
import type { Tensor } from "../ir/graph.ts";
import { type ValueInfoProto, ValueInfoProtoSchema } from "../onnx/generated/onnx_pb.ts";
import { numberOfType, typeOfNumber } from "../shapes/element-types.ts";

/**
 * What a stage's protobuf states of a tensor that enters or leaves it.
 *
 * Model: what the file states of an input of the whole model stays as it is. Otherwise sizes that are known are stated and others left open:
 * names could make a runtime take two sizes to be equal that are not.
 */
export function portInfo(tensor: Tensor, stated: ValueInfoProto | undefined): ValueInfoProto {
  if (tensor.origin === "input" && stated !== undefined) return stated;
  const number = stated?.type?.value.case === "tensorType" ? stated.type.value.value.elemType : 0;
  return declared(tensor, number !== 0 && typeOfNumber(number) === tensor.type ? number : numberOfType(tensor.type));
}

/** A value of a protobuf with its type and the sizes that are known; the others are left open. */
export function declared({ name, shape }: Pick<Tensor, "name" | "shape">, elemType: number): ValueInfoProto {
  if (elemType === 0) return create(ValueInfoProtoSchema, { name });
  const dim = shape?.map((size) => {
    const known = constantOf(size);
    return known === undefined ? {} : { value: { case: "dimValue" as const, value: BigInt(known) } };
  });
  const tensorType = dim === undefined ? { elemType } : { elemType, shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: tensorType } } });
}

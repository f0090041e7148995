import { ONNX_NAMES } from "../../../graph/shapes/element-types.ts";
import type { HostTensor, TensorArray, TensorType } from "../../device/tensor.ts";
import { elementsIn } from "../../device/tensor-arrays.ts";

const { bf16: _none, ...names } = ONNX_NAMES;

/** Names that both packages of ONNX Runtime have for element types. bf16 has none: neither takes or gives such tensors. */
export const PACKAGE_TYPES: Readonly<Record<Exclude<TensorType, "bf16">, string>> = names;

const TYPE_OF = new Map(Object.entries(PACKAGE_TYPES).map(([type, name]) => [name, type as TensorType]));

export const HOST_TYPES: ReadonlySet<TensorType> = new Set(TYPE_OF.values());

/** Undefined for types that are no numbers, or packed. */
export function typeOfPackage(name: string): TensorType | undefined {
  return TYPE_OF.get(name);
}

/** A tensor of a package. */
export interface PackageTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** What a package gives in the host's memory. Newer versions of Node give halves as an array type of their own: their bits are taken. */
export function hostTensorOf({ type, dims, data }: PackageTensor): HostTensor {
  const known = typeOfPackage(type)!;
  const { buffer, byteOffset, byteLength } = data as TensorArray;
  return { type: known, dims, data: elementsIn(known, new Uint8Array(buffer, byteOffset, byteLength)) };
}

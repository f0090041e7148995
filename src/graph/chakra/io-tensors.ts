import { constant } from "../ir/expression.ts";
import type { DataType } from "../ir/graph.ts";
import type { Fact } from "../shapes/fact.ts";
import type { ChakraIo } from "./chakra-node.ts";
import { type Literal, parseLiteral } from "./python-literal.ts";

/** A tensor among the arguments of a call. */
export interface IoTensor {
  /** Number that the trace gives to the tensor's object. */
  readonly id: string;
  readonly fact: Fact;
}

const MAX_DIMENSIONS = 64;

/** Types as PyTorch prints them. */
const TYPES: Readonly<Record<string, DataType>> = {
  float: "f32",
  double: "f64",
  "c10::Half": "f16",
  "c10::BFloat16": "bf16",
  "c10::Float8_e4m3fn": "f8e4m3",
  "c10::Float8_e5m2": "f8e5m2",
  "long int": "i64",
  long: "i64",
  int: "i32",
  short: "i16",
  "signed char": "i8",
  "unsigned char": "u8",
  bool: "bool",
  "c10::complex<float>": "complex64",
};
const BY_BYTES: Readonly<Record<number, DataType>> = { 1: "u8", 2: "u16", 4: "u32", 8: "u64" };

/**
 * Tensors that a call's texts name: [tensor, storage, offset, elements, bytes of an element, device] each, lists of them spread out.
 *
 * Where the shape contradicts the number of elements, the elements count. Source: PyTorch's execution trace observer, as et_def.proto takes it over.
 */
export function ioTensors(io: ChakraIo | undefined): readonly IoTensor[] {
  if (io === undefined || io.values === "") return [];
  const [values, shapes, types] = [io.values, io.shapes, io.types].map(parseLiteral);
  if (!Array.isArray(values)) return [];
  const found: IoTensor[] = [];
  collect(found, values, { shapes, types });
  return found;
}

function collect(found: IoTensor[], values: readonly Literal[], about: { shapes: Literal | undefined; types: Literal | undefined }): void {
  values.forEach((value, at) => {
    if (typeof value === "number" || typeof value === "string") return;
    const [shape, type] = [partOf(about.shapes, at), partOf(about.types, at)];
    const tensor = tensorOf(value, shape, type);
    if (tensor !== undefined) found.push(tensor);
    else if (value.some((each) => typeof each === "object")) collect(found, value, { shapes: shape, types: listTypes(type) });
  });
}

function partOf(list: Literal | undefined, at: number): Literal | undefined {
  return typeof list === "object" ? list[at] : undefined;
}

/** `GenericList[Tensor(float), Tensor(int)]` is a text in the list of types. */
function listTypes(type: Literal | undefined): Literal | undefined {
  return typeof type === "string"
    ? type
        .replace(/^GenericList\[/, "")
        .replace(/\]$/, "")
        .split(",")
    : undefined;
}

function tensorOf(value: readonly Literal[], shape: Literal | undefined, type: Literal | undefined): IoTensor | undefined {
  const [id, , , elements, elementBytes, device] = value;
  const isTensor =
    value.length === 6 && typeof device === "string" && [id, elements, elementBytes].every((each) => typeof each === "number");
  if (!isTensor || !Number.isSafeInteger(elements) || (elements as number) < 0) return undefined;
  const sizes = typeof shape === "object" && shape.length <= MAX_DIMENSIONS ? shape.filter((size) => typeof size === "number") : undefined;
  const isShape =
    sizes !== undefined &&
    sizes.length === (shape as readonly Literal[]).length &&
    sizes.every((size) => Number.isSafeInteger(size) && size >= 0) &&
    sizes.reduce((product, size) => product * size, 1) === elements;
  return {
    id: String(id),
    fact: { type: typeNamed(type, elementBytes as number), shape: (isShape ? sizes : [elements as number]).map(constant) },
  };
}

/** Where no name is known the bytes of an element count. */
function typeNamed(type: Literal | undefined, elementBytes: number): DataType {
  const name = typeof type === "string" ? /Tensor\((.*?)\)/.exec(type)?.[1] : undefined;
  if (name !== undefined && Object.hasOwn(TYPES, name)) return TYPES[name]!;
  return BY_BYTES[elementBytes] ?? "unknown";
}

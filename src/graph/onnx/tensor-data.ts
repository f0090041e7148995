import { HeddleError } from "../../base/heddle-error.ts";
import { halfTable } from "../decoder/half.ts";
import { constant } from "../ir/expression.ts";
import { type DataType, ELEMENT_BYTES } from "../ir/graph.ts";
import { typeOfNumber } from "../shapes/element-types.ts";
import { type Fact, MAX_VALUE_ELEMENTS } from "../shapes/fact.ts";
import { type TensorProto, TensorProto_DataLocation } from "./generated/onnx_pb.ts";
import { OWN_FILE } from "./skim.ts";

/** Where a stored tensor's bytes lie. */
export interface DataLocation {
  /** Path beside the model, or empty for the model's own file. */
  readonly file: string;
  readonly offset: number;
  /** Undefined where external data goes on to the end of its file. */
  readonly byteLength: number | undefined;
  /** Elements one after the other, little-endian; or a list of protobuf numbers. */
  readonly encoding: "raw" | "protobuf";
}

export interface StoredTensor {
  readonly fact: Fact;
  readonly elements: number;
  readonly location: DataLocation | undefined;
}

/** Errors: `onnx-invalid` where dimensions are no sizes or the data is not as long as they say. */
export function storedTensor(tensor: TensorProto): StoredTensor {
  const type = typeOfNumber(tensor.dataType);
  const dims = tensor.dims.map(Number);
  const elements = dims.reduce((product, size) => product * size, 1);
  if (!dims.every((size) => Number.isSafeInteger(size) && size >= 0) || !Number.isSafeInteger(elements) || dims.length > 64) {
    throw wrong(tensor, `[${dims.slice(0, 8).join(", ")}] is no shape`);
  }
  const bytes = ELEMENT_BYTES[type] === 0 ? undefined : Math.ceil(elements * ELEMENT_BYTES[type]);
  const location = locationOf(tensor);
  const raw = tensor.rawData.length > 0 ? tensor.rawData.length : location?.encoding === "raw" ? location.byteLength : undefined;
  if (raw !== undefined && bytes !== undefined && raw !== bytes)
    throw wrong(tensor, `${raw} bytes of data for ${elements} elements of ${type}`);
  const shape = dims.map(constant);
  const values = location === undefined && elements <= MAX_VALUE_ELEMENTS ? valuesOf(tensor, type, elements) : undefined;
  const value = values?.every((each) => Number.isFinite(each)) ? values.map(constant) : undefined;
  return { fact: { type, shape, value }, elements, location };
}

function locationOf(tensor: TensorProto): DataLocation | undefined {
  if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) return undefined;
  const entry = (key: string): string | undefined => tensor.externalData.find((each) => each.key === key)?.value;
  const number = (key: string): number | undefined => {
    const text = entry(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw wrong(tensor, `external data has ${key} "${text.slice(0, 40)}"`);
    return Number(text);
  };
  const file = entry("location");
  if (file === undefined) throw wrong(tensor, "external data has no location");
  // Field 9 is raw_data.
  const isList = file === OWN_FILE && entry("field") !== "9";
  return { file, offset: number("offset") ?? 0, byteLength: number("length"), encoding: isList ? "protobuf" : "raw" };
}

/** Elements as numbers; undefined for types whose elements are none, or where data is missing. */
function valuesOf(tensor: TensorProto, type: DataType, elements: number): readonly number[] | undefined {
  const listed = tensor.rawData.length > 0 ? rawValues(tensor.rawData, type) : listedValues(tensor, type);
  return listed?.length === elements ? listed : undefined;
}

function rawValues(raw: Uint8Array, type: DataType): readonly number[] | undefined {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const read = READERS[type];
  const size = ELEMENT_BYTES[type];
  return read === undefined ? undefined : Array.from({ length: raw.byteLength / size }, (_, i) => read(view, i * size));
}

const READERS: Partial<Record<DataType, (view: DataView, at: number) => number>> = {
  f64: (view, at) => view.getFloat64(at, true),
  f32: (view, at) => view.getFloat32(at, true),
  f16: (view, at) => halfTable()[view.getUint16(at, true)]!,
  i64: (view, at) => Number(view.getBigInt64(at, true)),
  i32: (view, at) => view.getInt32(at, true),
  i16: (view, at) => view.getInt16(at, true),
  i8: (view, at) => view.getInt8(at),
  u64: (view, at) => Number(view.getBigUint64(at, true)),
  u32: (view, at) => view.getUint32(at, true),
  u16: (view, at) => view.getUint16(at, true),
  u8: (view, at) => view.getUint8(at),
  bool: (view, at) => view.getUint8(at),
};

/** Source: onnx.proto, TensorProto: which list holds which type. */
function listedValues(tensor: TensorProto, type: DataType): readonly number[] | undefined {
  switch (type) {
    case "f32":
      return tensor.floatData;
    case "f64":
      return tensor.doubleData;
    case "i64":
      return tensor.int64Data.map(Number);
    case "u32":
    case "u64":
      return tensor.uint64Data.map(Number);
    case "f16":
      return tensor.int32Data.map((bits) => halfTable()[bits & 0xffff]!);
    case "i32":
    case "i16":
    case "i8":
    case "u16":
    case "u8":
    case "bool":
      return tensor.int32Data;
    default:
      return undefined;
  }
}

function wrong(tensor: TensorProto, detail: string): HeddleError {
  return new HeddleError("onnx-invalid", { where: `tensor ${tensor.name.slice(0, 120)}`, detail });
}

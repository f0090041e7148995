import { fromBinary } from "@bufbuild/protobuf";
import { must } from "../../base/assert.ts";
import type { ByteSource } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { ELEMENT_BYTES } from "../ir/graph.ts";
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema, TensorProto_DataType as Type } from "../onnx/generated/onnx_pb.ts";
import { OWN_FILE } from "../onnx/skim.ts";
import { typeOfNumber } from "../shapes/element-types.ts";

/** Where the data of a model's stored tensors lies: in its own file, or in files beside it. */
export interface DataFiles {
  readonly own: ByteSource;
  /** Undefined where there is no such file. */
  beside(path: string): ByteSource | undefined;
}

/** raw_data, by its number in TensorProto. */
const RAW_FIELD = "9";

/**
 * A stored tensor's elements one after the other, little-endian, as views of the file where it holds them so; undefined for texts.
 *
 * Errors: `model-weights-missing` where a file beside the model is not there, `onnx-invalid` where it is too short.
 */
export function storedBytes(tensor: TensorProto, files: DataFiles): Uint8Array | undefined {
  const bytes = bytesAsStored(tensor, files);
  const needed = sizeOf(tensor);
  if (bytes === undefined || needed === 0 || bytes.byteLength === needed) return bytes;
  throw wrong(tensor, `${bytes.byteLength} bytes of data where ${needed} are needed`);
}

function bytesAsStored(tensor: TensorProto, files: DataFiles): Uint8Array | undefined {
  if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) return listedBytes(tensor);
  const place = placeOf(tensor);
  if (place.file === OWN_FILE && place.field !== RAW_FIELD) return listedBytes(wholeTensor(tensor, files.own));
  const file = place.file === OWN_FILE ? files.own : files.beside(place.file);
  if (file === undefined)
    throw new HeddleError("model-weights-missing", {
      where: tensor.name.slice(0, 120),
      detail: `${place.file.slice(0, 200)} is not there`,
    });
  return stretch(tensor, file, { from: place.offset, to: place.offset + (place.length ?? sizeOf(tensor)) });
}

/** The tensor as its file has it, data of any kind inside. */
export function wholeTensor(tensor: TensorProto, own: ByteSource): TensorProto {
  if (tensor.dataLocation !== TensorProto_DataLocation.EXTERNAL) return tensor;
  const { file, start, end } = placeOf(tensor);
  if (file !== OWN_FILE) return tensor;
  const message = stretch(tensor, own, { from: start, to: end });
  try {
    return fromBinary(TensorProtoSchema, message);
  } catch (cause) {
    throw wrong(tensor, cause instanceof Error ? cause.message : String(cause));
  }
}

/** 0 for texts and unknown types. Units: bytes. */
function sizeOf({ dataType, dims }: TensorProto): number {
  return Math.ceil(dims.reduce((product, size) => product * Number(size), 1) * ELEMENT_BYTES[typeOfNumber(dataType)]);
}

function stretch(tensor: TensorProto, file: ByteSource, { from, to }: { readonly from: number; readonly to: number }): Uint8Array {
  if (from <= to && to <= file.byteLength) return file.read(from, to - from);
  throw wrong(tensor, `its data ends at byte ${to} of a file of ${file.byteLength}`);
}

function wrong(tensor: TensorProto, detail: string): HeddleError {
  return new HeddleError("onnx-invalid", { where: `tensor ${tensor.name.slice(0, 120)}`, detail });
}

interface Place {
  readonly file: string;
  readonly offset: number;
  readonly length: number | undefined;
  readonly field: string | undefined;
  readonly start: number;
  readonly end: number;
}

function placeOf({ externalData }: TensorProto): Place {
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  const length = entries.get("length");
  return {
    file: must(entries.get("location"), "data outside has a place"),
    offset: Number(entries.get("offset") ?? 0),
    length: length === undefined ? undefined : Number(length),
    field: entries.get("field"),
    start: Number(entries.get("start") ?? 0),
    end: Number(entries.get("end") ?? 0),
  };
}

/** Source: onnx.proto, TensorProto: which list holds which type, and how narrow types lie in `int32_data`. */
function listedBytes(tensor: TensorProto): Uint8Array | undefined {
  if (tensor.rawData.length > 0) return tensor.rawData;
  switch (tensor.dataType) {
    case Type.STRING:
    case Type.UNDEFINED:
      return undefined;
    case Type.FLOAT:
    case Type.COMPLEX64:
      return bytesOf(Float32Array.from(tensor.floatData));
    case Type.DOUBLE:
    case Type.COMPLEX128:
      return bytesOf(Float64Array.from(tensor.doubleData));
    case Type.INT64:
      return bytesOf(BigInt64Array.from(tensor.int64Data));
    case Type.UINT64:
      return bytesOf(BigUint64Array.from(tensor.uint64Data));
    case Type.UINT32:
      return bytesOf(Uint32Array.from(tensor.uint64Data, Number));
    case Type.INT32:
      return bytesOf(Int32Array.from(tensor.int32Data));
    case Type.INT16:
    case Type.UINT16:
    case Type.FLOAT16:
    case Type.BFLOAT16:
      return bytesOf(Uint16Array.from(tensor.int32Data));
    default:
      return Uint8Array.from(tensor.int32Data);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

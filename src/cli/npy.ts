import { HeddleError } from "../base/heddle-error.ts";
import type { HostTensor, TensorArray, TensorType } from "../execute/device/tensor.ts";

type ArrayMaker = { new (buffer: ArrayBuffer): TensorArray; readonly BYTES_PER_ELEMENT: number };

/** Element types by the name the format gives them, little-endian. Source: NumPy, lib.format (NEP 1) and array-protocol type strings. */
const TYPES: readonly (readonly [string, TensorType, ArrayMaker])[] = [
  ["<f8", "f64", Float64Array],
  ["<f4", "f32", Float32Array],
  ["<f2", "f16", Uint16Array],
  ["<i8", "i64", BigInt64Array],
  ["<u8", "u64", BigUint64Array],
  ["<i4", "i32", Int32Array],
  ["<u4", "u32", Uint32Array],
  ["<i2", "i16", Int16Array],
  ["<u2", "u16", Uint16Array],
  ["|i1", "i8", Int8Array],
  ["|u1", "u8", Uint8Array],
  ["|b1", "bool", Uint8Array],
];
const MAGIC = "\x93NUMPY";
const ALIGNMENT = 64;

/** Reads a `.npy` file. Errors: `input-invalid` naming the file and what is wrong. */
export function readNpy(bytes: Uint8Array, where: string): HostTensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || latin1(bytes.subarray(0, 6)) !== MAGIC) throw invalid(where, "it is no .npy file");
  const version = bytes[6]!;
  const headAt = version === 1 ? 10 : 12;
  const headBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const head = latin1(bytes.subarray(headAt, headAt + headBytes));
  const descr = /'descr':\s*'([^']*)'/.exec(head)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(head)?.[1];
  const known = TYPES.find(([name]) => name === descr);
  if (shape === undefined || descr === undefined) throw invalid(where, "its header does not say type and shape");
  if (known === undefined) throw invalid(where, `elements of ${descr} are not read; ${TYPES.map(([name]) => name).join(", ")} are`);
  if (/'fortran_order':\s*True/.test(head)) throw invalid(where, "it is in column order; save it with numpy.ascontiguousarray");
  const dims = shape
    .split(",")
    .map((size) => size.trim())
    .filter((size) => size !== "")
    .map(Number);
  const [, type, make] = known;
  const data = new Uint8Array(bytes.subarray(headAt + headBytes)).buffer;
  const elements = dims.reduce((product, size) => product * size, 1);
  if (data.byteLength !== elements * make.BYTES_PER_ELEMENT)
    throw invalid(where, `${data.byteLength} bytes are no ${type} [${dims.join(", ")}]`);
  return { type, dims, data: new make(data) };
}

/** A tensor as a `.npy` file, version 1.0. Errors: `input-invalid` for bf16, which the format does not name. */
export function writeNpy({ type, dims, data }: HostTensor): Uint8Array {
  const descr = TYPES.find(([, one]) => one === type)?.[0];
  if (descr === undefined) throw invalid(type, "the .npy format has no such element type");
  const shape = dims.length === 1 ? `${dims[0]},` : dims.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const padded = text.padEnd(Math.ceil((10 + text.length + 1) / ALIGNMENT) * ALIGNMENT - 11, " ");
  const head = Buffer.from(`${MAGIC}\x01\x00\x00\x00${padded}\n`, "latin1");
  head.writeUInt16LE(padded.length + 1, 8);
  return Buffer.concat([head, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function invalid(where: string, detail: string): HeddleError {
  return new HeddleError("input-invalid", { where, detail });
}

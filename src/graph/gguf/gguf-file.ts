import type { ByteSource } from "../../base/bytes.ts";
import type { WeightFormat } from "../decoder/weights.ts";

/** A metadata value. Integers of 64 bits become numbers; beyond 2^53 they lose precision, which no key that is read needs. */
export type GgufValue = number | boolean | string | GgufNumbers | readonly string[];
export type GgufNumbers = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

export interface GgufTensor {
  readonly name: string;
  readonly format: WeightFormat;
  /** Row-major, slowest first: the file's dimensions reversed. */
  readonly shape: readonly number[];
  /** Position of the data in the file, in bytes. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A GGUF file whose header has been read and checked; tensor data stays in `bytes` until asked for. */
export interface GgufFile {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Bytes before the tensor data, padding excluded. */
  readonly headerBytes: number;
  readonly bytes: ByteSource;
}

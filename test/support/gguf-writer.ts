/** Writes GGUF version 3, for test models. */
import type { WeightFormat } from "../../src/graph/decoder/weights.ts";
import { quantise } from "./quantise.ts";

export type MetadataValue =
  | { readonly u32: number }
  | { readonly i32: number }
  | { readonly u64: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly i32s: readonly number[] }
  | { readonly f32s: readonly number[] };

export interface TensorToWrite {
  readonly name: string;
  readonly format: WeightFormat;
  /** Row-major; reversed in the file. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const TYPE_IDS: Readonly<Record<WeightFormat, number>> = { F32: 0, F16: 1, Q4_0: 2, Q4_1: 3, Q8_0: 8, Q4_K: 12, Q6_K: 14, BF16: 30 };

export function writeGguf(
  metadata: Readonly<Record<string, MetadataValue>>,
  tensors: readonly TensorToWrite[],
  alignment = 32,
): Uint8Array {
  const header = new ByteWriter();
  header.bytes(new TextEncoder().encode("GGUF"));
  header.u32(3);
  header.u64(tensors.length);
  header.u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    header.string(key);
    writeValue(header, value);
  }
  const data = new ByteWriter();
  for (const tensor of tensors) {
    header.string(tensor.name);
    header.u32(tensor.shape.length);
    for (const size of [...tensor.shape].reverse()) header.u64(size);
    header.u32(TYPE_IDS[tensor.format]);
    data.align(alignment);
    header.u64(data.length);
    data.bytes(quantise(tensor.values, tensor.format));
  }
  header.align(alignment);
  header.bytes(data.done());
  return header.done();
}

function writeValue(out: ByteWriter, value: MetadataValue): void {
  if ("u32" in value) out.u32(4).u32(value.u32);
  else if ("i32" in value) out.u32(5).u32(value.i32);
  else if ("f32" in value) out.u32(6).f32(value.f32);
  else if ("bool" in value) out.u32(7).bytes(Uint8Array.of(value.bool ? 1 : 0));
  else if ("string" in value) out.u32(8).string(value.string);
  else if ("u64" in value) out.u32(10).u64(value.u64);
  else if ("strings" in value) {
    out.u32(9).u32(8).u64(value.strings.length);
    for (const item of value.strings) out.string(item);
  } else if ("i32s" in value) {
    out.u32(9).u32(5).u64(value.i32s.length);
    out.bytes(new Uint8Array(Int32Array.from(value.i32s).buffer));
  } else {
    out.u32(9).u32(6).u64(value.f32s.length);
    out.bytes(new Uint8Array(Float32Array.from(value.f32s).buffer));
  }
}

/** Grows as it is written; little-endian. */
export class ByteWriter {
  #buffer = new Uint8Array(65536);
  #view = new DataView(this.#buffer.buffer);
  length = 0;

  bytes(data: Uint8Array): this {
    this.#reserve(data.length);
    this.#buffer.set(data, this.length);
    this.length += data.length;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
    return this;
  }

  f32(value: number): this {
    this.#reserve(4);
    this.#view.setFloat32(this.length, value, true);
    this.length += 4;
    return this;
  }

  u64(value: number): this {
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32));
  }

  string(text: string): this {
    const encoded = new TextEncoder().encode(text);
    return this.u64(encoded.length).bytes(encoded);
  }

  align(alignment: number): this {
    const rest = this.length % alignment;
    return rest === 0 ? this : this.bytes(new Uint8Array(alignment - rest));
  }

  done(): Uint8Array {
    return this.#buffer.slice(0, this.length);
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.length + more));
    grown.set(this.#buffer.subarray(0, this.length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

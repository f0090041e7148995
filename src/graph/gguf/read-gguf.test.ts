/** Goal: every kind of wrong GGUF file is one error that says where. Method: tiny files with one thing changed at a time. */
import { expect, test } from "vitest";
import { ByteWriter } from "../../../test/support/gguf-writer.ts";
import { type TinyModelOptions, tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { bytesOf } from "../../base/bytes.ts";
import { decoderFromGguf } from "./decoder-from-gguf.ts";
import { readGguf } from "./read-gguf.ts";

const SMALL: TinyModelOptions = { width: 32, layers: 1, feedForward: 32, vocabulary: 259 };

interface TensorRow {
  readonly name?: string;
  readonly shape?: readonly number[];
  readonly type?: number;
  readonly offset?: number;
}

/** A header with the given tensors and `dataBytes` of zeros behind it. */
function fileWith(tensors: readonly TensorRow[], dataBytes: number): Uint8Array {
  const out = new ByteWriter().bytes(new TextEncoder().encode("GGUF")).u32(3).u64(tensors.length).u64(0);
  for (const { name = "t", shape = [32], type = 0, offset = 0 } of tensors) {
    out.string(name).u32(shape.length);
    for (const size of shape) out.u64(size);
    out.u32(type).u64(offset);
  }
  return out.align(32).bytes(new Uint8Array(dataBytes)).done();
}

function patched(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = tinyGguf(SMALL);
  change(bytes);
  return bytes;
}

const REFUSED: readonly (readonly [string, Uint8Array, string, string])[] = [
  ["an empty file", new Uint8Array(0), "gguf-invalid", "offset 0"],
  ["another kind of file", new TextEncoder().encode("PK\u0003\u0004 and so on"), "gguf-invalid", "offset 0"],
  ["version 1", patched((bytes) => bytes.set([1], 4)), "gguf-unsupported", "version"],
  ["a big-endian file", patched((bytes) => bytes.set([0, 0, 0, 3], 4)), "gguf-unsupported", "version"],
  ["a version that does not exist", patched((bytes) => bytes.set([9], 4)), "gguf-invalid", "offset 4"],
  ["more tensors than fit", patched((bytes) => bytes.fill(255, 8, 16)), "gguf-invalid", "offset 8"],
  ["a key longer than the file", patched((bytes) => bytes.fill(255, 24, 30)), "gguf-invalid", "offset 24"],
  ["half a file", tinyGguf(SMALL).subarray(0, 1000), "gguf-invalid", "offset"],
  ["data that is cut off", tinyGguf(SMALL).slice(0, -32), "gguf-invalid", "tensor output.weight"],
  ["a format that is not read", fileWith([{ type: 13, shape: [256] }], 176), "gguf-unsupported", "tensor t"],
  ["a format that does not exist", fileWith([{ type: 99 }], 128), "gguf-invalid", "tensor t"],
  ["a row that blocks do not divide", fileWith([{ type: 2, shape: [33] }], 128), "gguf-invalid", "tensor t"],
  ["five dimensions", fileWith([{ shape: [1, 1, 1, 1, 1] }], 128), "gguf-invalid", "offset"],
  ["an empty tensor", fileWith([{ shape: [0] }], 128), "gguf-invalid", "tensor t"],
  ["a crooked offset", fileWith([{ offset: 4 }], 256), "gguf-invalid", "tensor t"],
  ["two tensors of one name", fileWith([{}, { offset: 128 }], 256), "gguf-invalid", "tensor t"],
  ["overlapping tensors", fileWith([{}, { name: "u", offset: 64 }], 256), "gguf-invalid", "tensor u"],
  ["a product beyond 2^53", fileWith([{ shape: [2 ** 40, 2 ** 40] }], 128), "gguf-invalid", "tensor t"],
];

for (const [name, bytes, code, where] of REFUSED) {
  test(`${name} is ${code}`, () => {
    const read = (): unknown => readGguf(bytesOf(bytes));
    expect(read).toThrow(expect.objectContaining({ code, where: expect.stringContaining(where) }));
  });
}

const NOT_COMPUTED: readonly (readonly [string, TinyModelOptions["metadata"] & object, string, string])[] = [
  ["another architecture", { "general.architecture": { string: "mamba" } }, "model-unsupported", "general.architecture"],
  ["a key of unknown meaning", { "llama.attention.scale": { f32: 2 } }, "gguf-unsupported", "llama.attention.scale"],
  ["experts", { "llama.expert_count": { u32: 8 } }, "gguf-unsupported", "llama.expert_count"],
  ["a short window", { "llama.attention.sliding_window": { u32: 64 } }, "gguf-unsupported", "llama.attention.sliding_window"],
  ["partial rotation", { "llama.rope.dimension_count": { u32: 4 } }, "gguf-unsupported", "llama.rope.dimension_count"],
  ["unknown rope scaling", { "llama.rope.scaling.type": { string: "longrope" } }, "gguf-unsupported", "llama.rope.scaling.type"],
  ["heads that differ by layer", { "llama.attention.head_count": { i32s: [4, 2] } }, "gguf-unsupported", "llama.attention.head_count"],
  ["a part of a model", { "split.count": { u32: 3 } }, "gguf-unsupported", "split.count"],
  ["a missing layer", { "llama.block_count": { u32: 2 } }, "model-weights-missing", "layers.1.attention-norm"],
  ["four thousand million layers", { "llama.block_count": { u32: 0xffffffff } }, "model-weights-missing", "layers.1.attention-norm"],
  ["another width", { "llama.feed_forward_length": { u32: 64 } }, "model-config-invalid", "layers.0.gate"],
  ["a text for a number", { "llama.context_length": { string: "long" } }, "gguf-invalid", "llama.context_length"],
  ["an epsilon of 0", { "llama.attention.layer_norm_rms_epsilon": { f32: 0 } }, "gguf-invalid", "llama.attention.layer_norm_rms_epsilon"],
];

for (const [name, metadata, code, where] of NOT_COMPUTED) {
  test(`${name} is ${code}`, () => {
    const open = (): unknown => decoderFromGguf(readGguf(bytesOf(tinyGguf({ ...SMALL, metadata }))));
    expect(open).toThrow(expect.objectContaining({ code, where }));
  });
}

test("lists that agree count as one number, and harmless keys are read over", () => {
  const metadata = { "llama.attention.head_count": { i32s: [4, 4] }, "llama.attention.sliding_window": { u32: 4096 } };
  const model = decoderFromGguf(readGguf(bytesOf(tinyGguf({ ...SMALL, metadata }))), "name");
  expect(model.spec).toMatchObject({ heads: 4, kvHeads: 2, headDim: 8, vocabulary: 259, name: "name", contextLength: 2048 });
  expect(() => model.weights.read("layers.7.q")).toThrow(expect.objectContaining({ code: "model-weights-missing", where: "layers.7.q" }));
});

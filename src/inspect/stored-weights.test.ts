/** Goal: weights in files are counted as they lie there. Method: tiny models in both forms held against their architecture; odd tensors. */
import { expect, test } from "vitest";
import { type TinyModelOptions, tinyGguf } from "../../test/support/tiny-gguf.ts";
import { writeSafetensors } from "../../test/support/tiny-hf.ts";
import { bytesOf } from "../base/bytes.ts";
import { decoderBlocks } from "../cost/iteration/decoder-blocks.ts";
import type { Architecture } from "../graph/architecture/architecture.ts";
import { graphOf } from "../graph/architecture/build/build-architecture.ts";
import { architectureOfGguf } from "../graph/architecture/config/gguf-config.ts";
import { knownArchitecture } from "../graph/architecture/known/known-architecture.ts";
import type { GgufFile, GgufTensor, GgufValue } from "../graph/gguf/gguf-file.ts";
import { readGguf } from "../graph/gguf/read-gguf.ts";
import { readSafetensors } from "../graph/safetensors/read-safetensors.ts";
import { parametersOf } from "./parameters.ts";
import { storedInGguf, storedInSafetensors } from "./stored-weights.ts";

const MODELS: readonly TinyModelOptions[] = [
  {},
  { tiedHead: true, format: "Q4_1" },
  { family: "qwen2", format: "F16" },
  { family: "qwen3", headDim: 24, layers: 3 },
  { ropeScaling: { kind: "divisors", divisors: Array.from({ length: 8 }, () => 2) } },
];

test.each(MODELS)("GGUF %#: as many parameters as its architecture has", (options) => {
  const file = readGguf(bytesOf(tinyGguf(options)));
  const architecture = architectureOfGguf(file);
  const stored = storedInGguf(file);
  expect(stored.exact).toBe(true);
  expect(parametersOf(graphOf(architecture, { name: "tiny", type: "f32", kvType: "f32" })).total).toBe(stored.parameters);
});

test("bytes and parameters by format, the largest first", () => {
  const bytes = writeSafetensors({
    a: { dtype: "F32", shape: [2, 3], values: new Float32Array(6) },
    b: { dtype: "BF16", shape: [32], values: new Float32Array(32) },
    "layers.0.rotary_emb.inv_freq": { dtype: "F32", shape: [4], values: new Float32Array(4) },
  });
  expect(storedInSafetensors([readSafetensors(bytesOf(bytes))])).toEqual({
    tensors: 2,
    parameters: 38,
    bytes: 88,
    formats: [
      { format: "BF16", parameters: 32, bytes: 64 },
      { format: "F32", parameters: 6, bytes: 24 },
    ],
    exact: true,
  });
});

test("packed weights are not taken for parameters", () => {
  const header = JSON.stringify({ "blocks.scales": { dtype: "U8", shape: [4], data_offsets: [0, 4] } });
  const bytes = new Uint8Array(8 + header.length + 4);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  expect(storedInSafetensors([readSafetensors(bytesOf(bytes))]).exact).toBe(false);
});

/** Header of a DeepSeek file: metadata as converters write them, and the two tensors that are looked at. */
function deepseekFile(changes: Readonly<Record<string, number | undefined>> = {}, bias = true): GgufFile {
  const fields = {
    block_count: 61,
    embedding_length: 7168,
    feed_forward_length: 18432,
    "attention.head_count": 128,
    "attention.head_count_kv": 1,
    "attention.key_length": 576,
    "attention.value_length": 512,
    "attention.key_length_mla": 192,
    "attention.value_length_mla": 128,
    "attention.q_lora_rank": 1536,
    "attention.kv_lora_rank": 512,
    "rope.dimension_count": 64,
    leading_dense_block_count: 3,
    expert_count: 256,
    expert_used_count: 8,
    expert_shared_count: 1,
    expert_feed_forward_length: 2048,
    expert_group_count: 8,
    expert_group_used_count: 4,
    ...changes,
  };
  const named = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[`deepseek2.${key}`, value] as const]));
  const tensor = (name: string, shape: readonly number[]) => [name, { name, format: "F32", shape, offset: 0, byteLength: 0 }] as const;
  const tensors = [tensor("token_embd.weight", [129280, 7168]), tensor("output.weight", [129280, 7168])];
  return {
    ...readGguf(bytesOf(tinyGguf())),
    metadata: new Map<string, GgufValue>([["general.architecture", "deepseek2"], ...named]),
    tensors: new Map<string, GgufTensor>([...tensors, ...(bias ? [tensor("blk.3.exp_probs_b.bias", [256])] : [])]),
  };
}

function gatesOf(file: GgufFile): readonly unknown[] {
  const architecture = architectureOfGguf(file);
  const model = architecture.kind === "sequence" ? decoderBlocks(architecture) : expect.unreachable(architecture.kind);
  return model.ok ? model.value.blocks.flatMap(({ block }) => (block.kind === "mixture" ? [block.gate] : [])) : expect.unreachable();
}

test("DeepSeek's GGUF: the published model, with its latent attention, shared experts and groups of experts", () => {
  const { mtp: _drafts, contextLength: _length, ...published } = knownArchitecture("DeepSeek-V3")!;
  const read = architectureOfGguf(deepseekFile());
  expect(read.kind).toBe("sequence");
  const total = (architecture: Architecture) => parametersOf(graphOf(architecture, { name: "deepseek", type: "f32", kvType: "f32" })).total;
  expect(total(read)).toBe(total({ ...published, mtp: [] } as unknown as Architecture));
  expect(new Set(gatesOf(deepseekFile()).map((gate) => JSON.stringify(gate)))).toEqual(new Set(['{"groups":8,"chosen":4}']));
  // Written before groups were, and before attention was written as one wide key.
  const older = { expert_group_count: undefined, expert_group_used_count: undefined, "attention.key_length_mla": undefined };
  const plain = { "attention.value_length_mla": undefined, "attention.key_length": 192, "attention.value_length": 128 };
  expect(total(architectureOfGguf(deepseekFile({ ...older, ...plain })))).toBe(total(read));
  expect(new Set(gatesOf(deepseekFile({ ...older, ...plain })))).toEqual(new Set([undefined]));
  // V2 has no offset an expert; drafting layers are no layers of the stack.
  expect(total(architectureOfGguf(deepseekFile({}, false)))).toBe(total(read) - 58 * 256);
  expect(() => architectureOfGguf(deepseekFile({ expert_group_count: 7 }))).toThrow(/n_group/);
  expect(() => architectureOfGguf(deepseekFile({ "attention.key_length_mla": 64 }))).toThrow(/rotated/);
  expect(() => architectureOfGguf(deepseekFile({ expert_count: undefined }))).toThrow(/deepseek2.expert_count/);
});

test("an architecture that no metadata describe is named", () => {
  const file = readGguf(bytesOf(tinyGguf()));
  const changed = { ...file, metadata: new Map([...file.metadata, ["general.architecture", "rwkv7"] as const]) };
  expect(() => architectureOfGguf(changed)).toThrow(
    expect.objectContaining({ code: "architecture-unknown", where: "general.architecture" }),
  );
});

test("a key that is missing is named as the file names it", () => {
  const file = readGguf(bytesOf(tinyGguf()));
  const without = { ...file, metadata: new Map([...file.metadata].filter(([key]) => key !== "llama.block_count")) };
  expect(() => architectureOfGguf(without)).toThrow(expect.objectContaining({ code: "gguf-invalid", where: "llama.block_count" }));
});

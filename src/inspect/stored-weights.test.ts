/** Goal: weights in files are counted as they lie there. Method: tiny models in both forms held against their architecture; odd tensors. */
import { expect, test } from "vitest";
import { type TinyModelOptions, tinyGguf } from "../../test/support/tiny-gguf.ts";
import { writeSafetensors } from "../../test/support/tiny-hf.ts";
import { bytesOf } from "../base/bytes.ts";
import { graphOf } from "../graph/architecture/build/build-architecture.ts";
import { architectureOfGguf } from "../graph/architecture/config/gguf-config.ts";
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

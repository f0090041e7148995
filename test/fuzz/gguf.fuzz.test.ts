/**
 * Goal: a damaged GGUF file is a coded error or a valid load, in bounded memory. Method: seeded damage to files of every family, format
 * and tokenizer; each case reads header, decoder, tensors and tokenizer; reads are counted, and a failure names its seed.
 */
import { expect, test } from "vitest";
import { dequantiseAll } from "../../src/graph/decoder/dequantise.ts";
import { decoderFromGguf } from "../../src/graph/gguf/decoder-from-gguf.ts";
import { readGguf } from "../../src/graph/gguf/read-gguf.ts";
import { loadTokenizer } from "../../src/graph/tokenizer/tokenizer.ts";
import { type MetadataValue, writeGguf } from "../support/gguf-writer.ts";
import { countBy, guardedBytes, mutate, outcomeOf } from "../support/mutate.ts";
import { type TinyModelOptions, tinyGguf, tinyGgufParts } from "../support/tiny-gguf.ts";
import { outcomesOf } from "./seeded-outcomes.ts";

const CASES = 500;
const ALLOWED = [
  "gguf-invalid",
  "gguf-unsupported",
  "model-unsupported",
  "model-config-invalid",
  "model-weights-missing",
  "tokenizer-unsupported",
  "request-invalid",
  "request-unsupported",
];
/** Windows of the header reader; a damaged length never makes it read one twice. */
const WINDOWS_BYTES = 64 << 20;

const SMALL: TinyModelOptions = { width: 32, layers: 1, feedForward: 32, vocabulary: 280 };
const FILES: readonly (readonly [string, TinyModelOptions])[] = [
  ["llama F32 with divisors", { ...SMALL, ropeScaling: { kind: "divisors", divisors: [1, 2, 4, 8] } }],
  ["llama Q4_1 and Q8_0, SentencePiece", { ...SMALL, format: "Q4_1", embeddingFormat: "Q8_0", tokenizer: "spm" }],
  ["qwen2 F16 with YaRN", { ...SMALL, family: "qwen2", format: "F16", ropeScaling: { kind: "yarn", factor: 4, originalContext: 64 } }],
  ["qwen3 BF16, tied head", { ...SMALL, family: "qwen3", format: "BF16", tiedHead: true }],
  ["llama Q4_K and Q6_K", { ...SMALL, width: 256, feedForward: 256, format: "Q4_K", embeddingFormat: "Q6_K", pre: "llama-bpe" }],
  ["llama Q4_0, linear scaling", { ...SMALL, format: "Q4_0", pre: "qwen2", ropeScaling: { kind: "linear", factor: 2 } }],
];

function readAll(data: Uint8Array): void {
  const model = decoderFromGguf(readGguf(guardedBytes(data, 4 * data.length + WINDOWS_BYTES)));
  expect(model.spec.rope.frequencies.every((frequency) => Number.isFinite(frequency))).toBe(true);
  for (const name of model.weights.tensors.keys()) dequantiseAll(model.weights.read(name));
  expect(model.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  const tokenizer = loadTokenizer(model.tokenizer);
  const ids = tokenizer.encode("the rack runs 12 models <|im_end|>", { addSpecial: true });
  expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize)).toBe(true);
  tokenizer.decode(ids);
  tokenizer.applyChatTemplate([{ role: "user", content: "hi" }], { addGenerationPrompt: true });
}

for (const [index, [name, options]] of FILES.entries()) {
  test(`${name}: ${CASES} damaged files`, () => {
    const original = tinyGguf(options);
    readAll(original);
    const headerBytes = readGguf(guardedBytes(original, WINDOWS_BYTES)).headerBytes;
    const cases = { first: 1_000_000 * (index + 1), count: CASES, allowed: ALLOWED };
    const outcomes = outcomesOf(cases, (prng) => readAll(mutate(prng, original, headerBytes)));
    const counts = countBy(outcomes);
    expect(counts["gguf-invalid"]).toBeGreaterThan(CASES / 10);
    expect(counts["valid"]).toBeGreaterThan(0);
  });
}

const WRONG: readonly MetadataValue[] = [
  { u32: 0 },
  { u32: 1 },
  { u32: 0xffffffff },
  { u64: 2 ** 52 },
  { i32: -1 },
  { f32: 0 },
  { f32: 1 },
  { f32: -1 },
  { f32: 1e-40 },
  { f32: 3e38 },
  { f32: Number.NaN },
  { f32: Number.POSITIVE_INFINITY },
  { bool: true },
  { string: "" },
  { string: "none" },
  { strings: [] },
  { strings: ["", " ", "a b", "__proto__", "\ufffd"] },
  { i32s: [] },
  { i32s: [4, 4, 4] },
  { f32s: [Number.NaN] },
];

test("every key with every kind of wrong value", () => {
  const outcomes: string[] = [];
  for (const [name, options] of FILES.slice(1, 3)) {
    const { metadata, tensors } = tinyGgufParts({ ...options, format: "F32", embeddingFormat: "F32" });
    for (const key of Object.keys(metadata)) {
      for (const value of WRONG) {
        const damaged = writeGguf({ ...metadata, [key]: value }, tensors);
        try {
          outcomes.push(outcomeOf(() => readAll(damaged), ALLOWED));
        } catch (cause) {
          throw new Error(`${name}: ${key} = ${JSON.stringify(value)}`, { cause });
        }
      }
    }
  }
  expect(outcomes.length).toBeGreaterThanOrEqual(1000);
  expect(countBy(outcomes)["gguf-invalid"]).toBeGreaterThan(400);
});

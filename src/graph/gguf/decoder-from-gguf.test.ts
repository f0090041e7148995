/**
 * Goal: what the reader says a GGUF file computes is what llama.cpp computes from it. Method: tiny files of every family, rope scaling and
 * weight format; probabilities of a plain JS decoder over our reading against llama.cpp's on the same file.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadPeer } from "../../../test/support/llama-peer.ts";
import { referenceLogits, softmax } from "../../../test/support/reference-decoder.ts";
import { type TinyModelOptions, tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { bytesOf } from "../../base/bytes.ts";
import { decoderFromGguf } from "./decoder-from-gguf.ts";
import { readGguf } from "./read-gguf.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PROMPT = Array.from({ length: 48 }, (_unused, i) => (i * 37 + 11) % 300);

/** Largest difference of a probability from llama.cpp's, over all tokens after each position of the prompt. */
async function largestDifference(options: TinyModelOptions): Promise<number> {
  const bytes = tinyGguf(options);
  const path = join(folder, "model.gguf");
  writeFileSync(path, bytes);
  const peer = await loadPeer(path, 128);
  const theirs = await peer.probabilities(PROMPT);
  await peer.dispose();
  const ours = referenceLogits(decoderFromGguf(readGguf(bytesOf(bytes))), PROMPT).map((row) => softmax([...row]));
  return Math.max(...ours.flatMap((row, t) => row.map((share, token) => Math.abs(share - (theirs[t]!.get(token) ?? 0)))));
}

/** Rounding of f32 and the F16 conversion of activations of the peer. */
const EXACT: readonly (readonly [string, TinyModelOptions])[] = [
  ["llama, F32", {}],
  ["llama, tied head, one key-value head", { tiedHead: true, kvHeads: 1 }],
  ["llama, wide heads", { headDim: 32 }],
  ["qwen2 (bias)", { family: "qwen2" }],
  ["qwen3 (head norms)", { family: "qwen3", headDim: 24 }],
  ["linear scaling", { ropeScaling: { kind: "linear", factor: 4 } }],
  ["yarn", { ropeScaling: { kind: "yarn", factor: 4, originalContext: 512 } }],
  ["yarn, qwen2", { family: "qwen2", width: 128, theta: 1e6, ropeScaling: { kind: "yarn", factor: 8, originalContext: 64 } }],
  ["llama 3 divisors", { ropeScaling: { kind: "divisors", divisors: [1, 1, 1.3, 2, 3.5, 8, 8, 8] } }],
];

for (const [name, options] of EXACT) {
  test(`${name}: probabilities equal llama.cpp's`, async () => {
    expect(await largestDifference(options)).toBeLessThan(1e-4);
  });
}

/** llama.cpp rounds activations to F16 or 8 bits before it multiplies by these. */
const ROUNDED: readonly (readonly [string, TinyModelOptions, number])[] = [
  ["F16", { format: "F16" }, 0.01],
  ["BF16", { format: "BF16" }, 0.03],
  ["Q8_0", { format: "Q8_0" }, 0.03],
  ["Q4_0", { format: "Q4_0" }, 0.03],
  ["Q4_1", { format: "Q4_1", embeddingFormat: "Q8_0" }, 0.03],
  ["Q4_K", { format: "Q4_K", width: 256, layers: 1, feedForward: 256 }, 0.03],
  ["Q6_K", { format: "Q6_K", width: 256, layers: 1, feedForward: 256 }, 0.03],
];

for (const [name, options, tolerance] of ROUNDED) {
  test(`${name}: probabilities near llama.cpp's`, async () => {
    const d = await largestDifference(options);
    expect(d).toBeLessThan(tolerance);
  });
}

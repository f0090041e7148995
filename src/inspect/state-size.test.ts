/** Goal: bytes kept between runs are exact. Method: formulas by hand for every kind of state, at lengths about the windows. */
import { expect, test } from "vitest";
import { PUBLISHED } from "../../test/support/published-models.ts";
import { graphOf } from "../graph/architecture/build/build-architecture.ts";
import { architectureOf } from "../graph/architecture/config/read-architecture.ts";
import { evaluate } from "../graph/ir/expression.ts";
import type { DataType } from "../graph/ir/graph.ts";
import { type StateSize, stateSizeOf } from "./state-size.ts";

function sizeOf(name: string, kvType: DataType = "bf16"): StateSize {
  const { config } = PUBLISHED.find((model) => model.name === name)!;
  return stateSizeOf(graphOf(architectureOf(config), { name, type: "bf16", kvType }));
}

/** Bytes of the first token, of one when all windows are full, and kept whatever the length. */
const EXPECTED: readonly (readonly [string, number, number, number])[] = [
  ["Llama-2-7B", 2 * 32 * 32 * 128 * 2, 2 * 32 * 32 * 128 * 2, 0],
  ["Llama-3.1-8B", 2 * 32 * 8 * 128 * 2, 2 * 32 * 8 * 128 * 2, 0],
  ["Llama-3.1-70B", 2 * 80 * 8 * 128 * 2, 2 * 80 * 8 * 128 * 2, 0],
  ["Mistral-7B-v0.1", 2 * 32 * 8 * 128 * 2, 0, 0],
  // One latent vector of 512 and one rotated key of 64: 70,272 bytes. Source of the figure: arXiv 2505.09343, table 1 (70.272 KB).
  ["DeepSeek-V3", 61 * 576 * 2, 61 * 576 * 2, 0],
  // Besides, an index key of 128 elements in 8 bits with one 32-bit scale.
  ["GLM-5", 78 * (576 * 2 + 132), 78 * (576 * 2 + 132), 0],
  ["gpt-oss-120b", 2 * 36 * 8 * 64 * 2, 2 * 18 * 8 * 64 * 2, 0],
  ["Gemma-3-27B", 2 * 62 * 16 * 128 * 2, 2 * 10 * 16 * 128 * 2, 0],
  ["Llama-4-Scout", 2 * 48 * 8 * 128 * 2, 2 * 12 * 8 * 128 * 2, 0],
  // Per mixer 128 heads x 64 x 128, and 3 columns of the convolution's 8,192 + 2 x 128 channels.
  ["Granite-4.0-H-Small", 2 * 4 * 8 * 128 * 2, 2 * 4 * 8 * 128 * 2, 36 * (128 * 64 * 128 + 3 * 8448) * 2],
  ["Codestral-Mamba-7B", 0, 0, 64 * (128 * 64 * 128 + 3 * (8192 + 2 * 8 * 128)) * 2],
  ["Whisper large-v3", 2 * 32 * 1280 * 2, 2 * 32 * 1280 * 2, 2 * 32 * 1280 * 1500 * 2],
  // 32 layers keep tokens; 8 keep what they attend to of an image, 4 x 1,601 positions.
  ["Llama-3.2-11B-Vision", 2 * 32 * 8 * 128 * 2, 2 * 32 * 8 * 128 * 2, 2 * 8 * 8 * 128 * 6404 * 2],
  ["BERT-base-uncased", 0, 0, 0],
];

test.each(EXPECTED)("%s", (name, bytesPerToken, bytesPerLaterToken, fixedBytes) => {
  expect(sizeOf(name)).toMatchObject({ bytesPerToken, bytesPerLaterToken, fixedBytes });
});

test("windows fill and then keep their size", () => {
  const { perSequence } = sizeOf("gpt-oss-120b");
  const tokenBytes = 2 * 8 * 64 * 2;
  for (const context of [1, 127, 128, 129, 5000]) {
    expect(evaluate(perSequence, { context })).toBe(18 * tokenBytes * (context + Math.min(context, 128)));
  }
});

test("state counts in its own type", () => {
  expect(sizeOf("Llama-3.1-8B", "f8e4m3").bytesPerToken).toBe(2 * 32 * 8 * 128);
  expect(sizeOf("Llama-3.1-8B", "i4").bytesPerToken).toBe(32 * 8 * 128);
});

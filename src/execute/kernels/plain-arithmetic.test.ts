// Goal: the plain arithmetic that kernels are held against is a decoder's. Method: token after token through its pages, rounding to 2^24 levels in place
// of 127, against a decoder written apart that knows no pages; with 127 it differs, by what rounding costs.
import { expect, it } from "vitest";
import { blockInt8Stage } from "../../../test/support/block-int8-decoder.ts";
import { referenceLogits } from "../../../test/support/reference-decoder.ts";
import { type TinyModelOptions, tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { bytesOf } from "../../base/bytes.ts";
import { dequantiseAll } from "../../graph/decoder/dequantise.ts";
import { decoderFromGguf } from "../../graph/gguf/decoder-from-gguf.ts";
import { readGguf } from "../../graph/gguf/read-gguf.ts";
import { BLOCK_TOKENS } from "../../state/block.ts";

const TOKENS = Array.from({ length: BLOCK_TOKENS + 6 }, (_, i) => (i * 37 + 11) % 256);

/** Largest difference of a logit, of the largest logit, over all tokens. */
function difference(options: TinyModelOptions, largest?: number): number {
  const model = decoderFromGguf(readGguf(bytesOf(tinyGguf(options))));
  const { layers, width, kvHeads, headDim } = model.spec;
  const stage = blockInt8Stage(model, 0, layers, largest);
  const pages = Array.from({ length: 2 * layers }, () => new Float32Array(3 * kvHeads * BLOCK_TOKENS * headDim));
  const embedding = Float64Array.from(dequantiseAll(model.weights.read("embedding")));
  const ours = TOKENS.map((token, position) => {
    const x = embedding.slice(token * width, (token + 1) * width);
    return stage.head(stage.decode({ x, position, pages: [2, 0] }, pages).row).row;
  });
  const expected = referenceLogits(model, TOKENS);
  const most = Math.max(...expected.flatMap((row) => [...row.map(Math.abs)]));
  return Math.max(...expected.flatMap((row, t) => [...row].map((value, i) => Math.abs(value - ours[t]![i]!)))) / most;
}

const families: [TinyModelOptions][] = [
  [{ family: "llama", headDim: 24 }],
  [{ family: "qwen2", tiedHead: true }],
  [{ family: "qwen3", kvHeads: 1, format: "Q8_0" }],
];
it.each(families)("is the decoder but for its rounding: %j", (options) => {
  expect(difference(options, 2 ** 24)).toBeLessThan(1e-4);
  const rounding = difference(options);
  expect(rounding).toBeGreaterThan(1e-3);
  // 0.29 was met, and below 0.2 with keys and values in f32: drawn weights magnify what 8 bits of activations and keys lose.
  expect(rounding).toBeLessThan(0.4);
});

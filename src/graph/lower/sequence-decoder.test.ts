// Goal: the decoder graph computes what the plain reference computes, for prompts and single tokens, in every family. Method: ONNX Runtime runs the
// graph with rows appended by the test; logits of chunked runs are compared with the reference's over the whole text.
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { referenceLogits } from "../../../test/support/reference-decoder.ts";
import { type TinyModelOptions, tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { bytesOf } from "../../base/bytes.ts";
import { rotationTables } from "../../execute/drivers/shared/rotations.ts";
import type { DecoderModel } from "../decoder/model.ts";
import { decoderFromGguf } from "../gguf/decoder-from-gguf.ts";
import { readGguf } from "../gguf/read-gguf.ts";
import { lowerSequenceDecoder } from "./sequence-decoder.ts";

/** Sums in another order, in f32: measured at most 1.7e-6 of the largest logit. */
const CLOSE = 1e-5;
const TOKENS = [3, 141, 59, 26, 53, 58, 97, 93, 23, 84, 62];

describe("the decoder as one graph", () => {
  const families: [string, TinyModelOptions][] = [
    ["llama", {}],
    ["llama, untied, 3 layers", { layers: 3, tiedHead: false }],
    ["qwen2", { family: "qwen2" }],
    ["qwen3", { family: "qwen3", headDim: 32 }],
    ["llama, yarn", { ropeScaling: { kind: "yarn", factor: 4, originalContext: 64 } }],
  ];
  it.each(families)("%s: chunks of any length give the reference's logits", async (_name, options) => {
    const model = decoderFromGguf(readGguf(bytesOf(tinyGguf(options))), "tiny");
    const expected = referenceLogits(model, TOKENS);
    for (const chunks of [[11], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [4, 1, 6]]) {
      const logits = await run(model, chunks);
      expect(largestDifference(logits, expected)).toBeLessThan(CLOSE);
    }
    // The comparison can fail: a token at another position.
    expect(largestDifference(await run(model, [11], 1), expected)).toBeGreaterThan(CLOSE);
  });
});

async function run(model: DecoderModel, chunks: readonly number[], positionOfLast = 0): Promise<Float32Array[]> {
  const { spec } = model;
  const { model: onnx } = lowerSequenceDecoder(spec, model.weights, { rotations: rotationTables(spec.rope, 64), logits: "all" });
  const session = await ort.InferenceSession.create(onnx.model, {
    externalData: onnx.weights.map(({ path, data }) => ({ path, data })),
    logSeverityLevel: 3,
  });
  const width = spec.kvHeads * spec.headDim;
  const past = new Map<string, number[]>();
  for (let layer = 0; layer < spec.layers; layer++) for (const kind of ["k", "v"]) past.set(`${kind}.${layer}`, []);
  const logits: Float32Array[] = [];
  let at = 0;
  for (const count of chunks) {
    const positions = Array.from({ length: count }, (_unused, i) => at + i);
    if (at + count === TOKENS.length) positions[count - 1] = positions[count - 1]! + positionOfLast;
    const ints = (values: readonly number[]): ort.Tensor => new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [values.length]);
    const feeds: Record<string, ort.Tensor> = { tokens: ints(TOKENS.slice(at, at + count)), positions: ints(positions) };
    for (const [name, rows] of past) feeds[name] = new ort.Tensor("float32", Float32Array.from(rows), [rows.length / width, width]);
    const outputs = await session.run(feeds);
    for (const [name, rows] of past) {
      const added = outputs[`${name}.rows`]!;
      expect(added.dims).toEqual([count, width]);
      rows.push(...(added.data as Float32Array));
    }
    const flat = outputs["logits"]!.data as Float32Array;
    for (let i = 0; i < count; i++) logits.push(flat.slice(i * spec.vocabulary, (i + 1) * spec.vocabulary));
    at += count;
  }
  return logits;
}

function largestDifference(got: readonly Float32Array[], expected: readonly Float32Array[]): number {
  let [difference, largest] = [0, 0];
  expected.forEach((row, t) => {
    row.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value));
      difference = Math.max(difference, Math.abs(value - got[t]![i]!));
    });
  });
  return difference / largest;
}

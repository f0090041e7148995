/**
 * Goal: inferred shapes are those that run. Method: small ONNX models and heddle's own stage graphs, every tensor made an output of ONNX
 * Runtime; all of them must agree.
 */
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { feedsFor, runAllTensors, scoreShapes } from "../../../test/support/run-all-tensors.ts";
import { tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { cacheModel, controlModel, mixedModel } from "../../../test/support/tiny-onnx.ts";
import { bytesOf } from "../../base/bytes.ts";
import { decoderFromGguf } from "../gguf/decoder-from-gguf.ts";
import { readGguf } from "../gguf/read-gguf.ts";
import { lowerHead, lowerStage } from "../lower/stage-graph.ts";
import type { OnnxModel } from "../onnx/builder.ts";
import { readOnnx } from "../onnx/read-onnx.ts";

async function scoreOf({ model, weights }: OnnxModel, sizes: Record<string, number>, special: Record<string, ort.Tensor> = {}) {
  const { graph, unknown } = readOnnx(bytesOf(model));
  const ran = await runAllTensors({ model, weights, feeds: feedsFor(graph, sizes, special) });
  expect(unknown).toEqual([]);
  const score = scoreShapes(graph, ran, sizes);
  expect(score.wrong).toEqual([]);
  expect(score.unknown).toEqual([]);
  expect(score.agree).toBe(score.tensors);
  return score;
}

it("control flow, caches, convolutions and recurrences", async () => {
  const turns = new ort.Tensor("int64", BigInt64Array.of(3n), []);
  const control = await scoreOf({ model: controlModel(), weights: [] }, { batch: 2 }, { turns });
  expect(control).toMatchObject({ tensors: 3, open: 1 });
  const cache = await scoreOf({ model: cacheModel(), weights: [] }, { batch: 2, tokens: 3, context: 8 });
  expect(cache).toMatchObject({ tensors: 4, open: 0 });
  const mixed = await scoreOf(mixedModel(), { batch: 2, height: 24 });
  expect(mixed).toMatchObject({ open: 0 });
});

it("a shape, a type and a tensor without a shape that do not agree are found", () => {
  const { graph } = readOnnx(bytesOf(cacheModel()));
  const ran = new Map([
    ["sizes", { dims: [5], type: "int64" }],
    ["turned", { dims: [8, 8, 2, 2], type: "int32" }],
    ["y", { dims: [2, 2, 8, 8], type: "float32" }],
  ]);
  const score = scoreShapes(graph, ran, { batch: 2, tokens: 3, context: 8 });
  expect(score).toMatchObject({ tensors: 3, agree: 1, wrong: ["sizes: inferred [4], ran [5]", "turned: inferred f32, ran int32"] });
});

const PAGE = 16;
const model = decoderFromGguf(readGguf(bytesOf(tinyGguf({ width: 64, layers: 2, feedForward: 64, vocabulary: 280 }))));
const half = model.spec.headDim / 2;
const rotations = { positions: 64, cosines: new Float32Array(64 * half).fill(1), sines: new Float32Array(64 * half) };
const ints = (...values: number[]): ort.Tensor => new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [values.length]);

/** Twelve tokens with the new five; three decoding rows on four pages. */
const PROMPT = {
  last_position: new ort.Tensor("int32", Int32Array.of(11), [1]),
  total_tokens: new ort.Tensor("int32", Int32Array.of(12), []),
  chunk_start: ints(7),
  chunk_end: ints(12),
};
/** The same, where a prompt's graph takes exactly the past there is. */
const WHOLE_PROMPT = { prompt_positions: new ort.Tensor("int64", BigInt64Array.of(7n, 8n, 9n, 10n, 11n), [1, 5]) };
const DECODE = { page_rows: ints(0, 0, 1, 2), positions: new ort.Tensor("int64", BigInt64Array.of(3n, 4n, 5n), [3, 1]) };

for (const format of ["f32", "int4", "int8-row"] as const) {
  it(`stage graphs of all phases, ${format}`, async () => {
    const stage = (phase: "prefill" | "decode" | "mixed", dialect?: "onnxruntime-cpu") =>
      lowerStage(model.spec, model.weights, {
        ...{ fromLayer: 0, toLayer: 2, phase, format, pageTokens: PAGE, rotations },
        ...(dialect === undefined ? {} : { dialect }),
      }).model;
    await scoreOf(stage("prefill"), { R: 5, S: 5, P: 12 }, PROMPT);
    const decode = await scoreOf(stage("decode"), { R: 3, N: 4 }, DECODE);
    expect(decode.open).toBe(0);
    await scoreOf(stage("mixed"), { rows: 8, R: 3, N: 4, S: 5, P: 12 }, { ...PROMPT, ...DECODE, row_split: ints(3, 5) });
    await scoreOf(stage("prefill", "onnxruntime-cpu"), { R: 5, S: 5, P: 7, T: 12 }, WHOLE_PROMPT);
    const both = { ...WHOLE_PROMPT, ...DECODE, row_split: ints(3, 5) };
    await scoreOf(stage("mixed", "onnxruntime-cpu"), { rows: 8, R: 3, N: 4, S: 5, P: 7, T: 12 }, both);
    await scoreOf(lowerHead(model.spec, model.weights, format).model, { N: 3 });
  });
}

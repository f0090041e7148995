/**
 * Goal: a decoder costs the same whether its configuration is looked at or the ONNX graphs that heddle lowers from it. Method: a tiny decoder in three
 * formats; operations of products and of attention must be equal as integers.
 */
import { expect, test } from "vitest";
import { tinyGguf } from "../../test/support/tiny-gguf.ts";
import { bytesOf } from "../base/bytes.ts";
import { architectureOfGguf } from "../graph/architecture/config/gguf-config.ts";
import { decoderFromGguf } from "../graph/gguf/decoder-from-gguf.ts";
import { readGguf } from "../graph/gguf/read-gguf.ts";
import type { Bindings } from "../graph/ir/expression.ts";
import { lowerHead, lowerStage } from "../graph/lower/stage-graph.ts";
import type { OnnxModel } from "../graph/onnx/builder.ts";
import { readOnnx } from "../graph/onnx/read-onnx.ts";
import { inspectGraph } from "./inspect-graph.ts";
import { type InspectedGroup, inspect } from "./inspection.ts";

const LAYERS = 2;
const TOKENS = 5;
const CONTEXT = 12;
const file = readGguf(bytesOf(tinyGguf({ width: 64, layers: LAYERS, feedForward: 96, vocabulary: 280 })));
const { spec, weights } = decoderFromGguf(file);
const half = spec.headDim / 2;
const rotations = { positions: 64, cosines: new Float32Array(64 * half).fill(1), sines: new Float32Array(64 * half) };

/** What the products of each format are called. */
const PRODUCTS = { f32: ["Gemm"], int4: ["MatMulNBits"], "int8-row": ["MatMulIntegerToFloat"] } as const;

function flopsOf(groups: readonly InspectedGroup[], types: readonly string[]): number {
  const all = groups.flatMap(({ operators, count }) => operators.map((operator) => ({ operator, count })));
  return all.reduce((sum, { operator: { type, figures }, count }) => sum + (types.includes(type) ? count * figures[0]!.flops : 0), 0);
}

function ofOnnx({ model }: OnnxModel, sizes: Bindings): readonly InspectedGroup[] {
  const { groups, unknownWork } = inspectGraph(readOnnx(bytesOf(model)).graph, { name: "lowered", sizes });
  expect(unknownWork).toEqual([]);
  return groups;
}

test.each(["f32", "int4", "int8-row"] as const)("products and attention of a prompt, %s", (format) => {
  const options = { name: "tiny", type: "f32", kvType: "f32", batch: 1, prompt: TOKENS, context: undefined } as const;
  const { groups } = inspect(architectureOfGguf(file), options);
  const linear = (part: "layers" | "head"): number =>
    flopsOf(
      groups.filter(({ scope }) => scope.startsWith(part)),
      ["Linear"],
    );
  const range = { fromLayer: 0, toLayer: LAYERS, phase: "prefill", format, pageTokens: 16, rotations } as const;
  const stage = ofOnnx(lowerStage(spec, weights, range).model, { R: TOKENS, S: TOKENS, P: 0 });
  // A prompt's last row alone passes the head.
  const head = ofOnnx(lowerHead(spec, weights, format).model, { N: 1 });
  const types = PRODUCTS[format];
  expect(flopsOf(stage, types)).toBe(linear("layers"));
  expect(flopsOf(head, types)).toBe(linear("head"));
  expect(linear("layers")).toBe(2 * TOKENS * LAYERS * (64 * 64 * 2 + 2 * 64 * spec.kvHeads * spec.headDim + 3 * 64 * 96));
  expect(flopsOf(stage, ["GroupQueryAttention"])).toBe(flopsOf(groups, ["Attention"]));
});

test("attention of new tokens behind a past", () => {
  const range = { fromLayer: 0, toLayer: LAYERS, phase: "prefill", format: "f32", pageTokens: 16, rotations } as const;
  const stage = ofOnnx(lowerStage(spec, weights, range).model, { R: TOKENS, S: TOKENS, P: CONTEXT - TOKENS });
  const pairs = Array.from({ length: TOKENS }, (_, token) => CONTEXT - TOKENS + token + 1).reduce((sum, each) => sum + each, 0);
  expect(flopsOf(stage, ["GroupQueryAttention"])).toBe(LAYERS * 4 * pairs * spec.heads * spec.headDim);
});

test("attention of a decode step over pages: every row scores its pages and itself", () => {
  const [rows, pages, page] = [3, 4, 16];
  const range = { fromLayer: 0, toLayer: LAYERS, phase: "decode", format: "f32", pageTokens: page, rotations } as const;
  const stage = ofOnnx(lowerStage(spec, weights, range).model, { R: rows, N: pages });
  const width = spec.heads * spec.headDim;
  // Scores of own keys and of pages are all products of this kind.
  expect(flopsOf(stage, ["FusedMatMul"])).toBe(LAYERS * 2 * width * (rows + pages * page));
});

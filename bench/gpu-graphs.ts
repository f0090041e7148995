/** Graphs the bench of a GPU runs: one small operator, a product, and a step of a decoder whose keys and values are the caller's. */

import { seededPrng } from "../src/base/prng.ts";
import { bytesOfArray, createOnnxBuilder } from "../src/graph/onnx/builder.ts";
import { programFromBuilder } from "../src/graph/program/onnx-program.ts";
import type { Program, StageModel } from "../src/graph/program/program.ts";

export interface DecoderSize {
  readonly layers: number;
  readonly width: number;
}

/** A decoder's step with the names of what it gives. */
export interface DecoderGraph {
  readonly stage: StageModel;
  readonly y: string;
  /** New keys and values, a pair a layer. */
  readonly news: readonly { readonly key: string; readonly value: string }[];
}

const FEED_FORWARD = 4;

/** Small numbers, so that many layers neither grow nor vanish. */
function drawn(seed: number, count: number, scale: number): Uint8Array {
  const random = seededPrng(seed);
  return bytesOfArray(Float32Array.from({ length: count }, () => (random.nextFloat() - 0.5) * scale));
}

function whole(program: Program): StageModel {
  return program.stage(program.graph.operators.map((_, id) => id));
}

/** One operator on `x` [n]. */
export function launchStage(): StageModel {
  const builder = createOnnxBuilder("launch");
  builder.output(builder.node("Relu", [builder.input("x", "float32", ["n"])]), "float32", ["n"]);
  return whole(programFromBuilder(builder.build()));
}

/** `x` [rows, size] times a stored square. */
export function productStage(size: number): StageModel {
  const builder = createOnnxBuilder("product");
  const weight = builder.weight("w", "float32", [size, size], drawn(1, size * size, 2 / Math.sqrt(size)));
  builder.output(builder.node("MatMul", [builder.input("x", "float32", ["rows", size]), weight]), "float32", ["rows", size]);
  return whole(programFromBuilder(builder.build()));
}

/** Norm, attention with one head over past rows and the new one, feed-forward with SiLU; standard operators alone. */
export function decoderStage({ layers, width }: DecoderSize): DecoderGraph {
  const builder = createOnnxBuilder("decoder step");
  const scalar = (value: number): string => builder.constant("float32", [1], bytesOfArray(Float32Array.of(value)));
  const [small, scale] = [scalar(1e-5), scalar(1 / Math.sqrt(width))];
  const weight = (name: string, seed: number, rows: number, columns: number): string =>
    builder.weight(name, "float32", [rows, columns], drawn(seed, rows * columns, 1 / Math.sqrt(rows)));
  const norm = (x: string): string => {
    const mean = builder.node("ReduceMean", [builder.node("Mul", [x, x])], { attributes: { axes: [-1], keepdims: 1 } });
    return builder.node("Div", [x, builder.node("Sqrt", [builder.node("Add", [mean, small])])]);
  };
  let x = builder.input("x", "float32", [1, width]);
  const news: { key: string; value: string }[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const product = (input: string, name: string, rows: number, columns: number): string =>
      builder.node("MatMul", [input, weight(`${name}.${layer}`, layer * 8 + news.length + name.length, rows, columns)]);
    const h = norm(x);
    const [query, key, value] = [product(h, "q", width, width), product(h, "key", width, width), product(h, "val", width, width)];
    const keys = builder.node("Concat", [builder.input(`past_k.${layer}`, "float32", ["past", width]), key], { attributes: { axis: 0 } });
    const values = builder.node("Concat", [builder.input(`past_v.${layer}`, "float32", ["past", width]), value], {
      attributes: { axis: 0 },
    });
    const scores = builder.node("Mul", [
      builder.node("MatMul", [query, builder.node("Transpose", [keys], { attributes: { perm: [1, 0] } })]),
      scale,
    ]);
    const mixed = builder.node("MatMul", [builder.node("Softmax", [scores], { attributes: { axis: -1 } }), values]);
    x = builder.node("Add", [x, product(mixed, "out", width, width)]);
    const up = product(norm(x), "up", width, FEED_FORWARD * width);
    const active = builder.node("Mul", [up, builder.node("Sigmoid", [up])]);
    x = builder.node("Add", [x, product(active, "down", FEED_FORWARD * width, width)]);
    news.push({ key, value });
  }
  const y = norm(x);
  builder.output(y, "float32", [1, width]);
  for (const { key, value } of news) {
    builder.output(key, "float32", [1, width]);
    builder.output(value, "float32", [1, width]);
  }
  return { stage: whole(programFromBuilder(builder.build())), y, news };
}

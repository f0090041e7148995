/** The arithmetic of a decoder written as plainly as it can be, over a whole prompt, in f32 weights and f64 sums: what drivers and readers are held against. */
import { dequantiseAll } from "../../src/graph/decoder/dequantise.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import type { DecoderSpec } from "../../src/graph/decoder/spec.ts";

type Rows = Float32Array[];

/** Logits after every token of `tokens`, each of length vocabulary. */
export function referenceLogits(model: DecoderModel, tokens: readonly number[]): Rows {
  const { spec } = model;
  const weight = cachedWeights(model);
  const embedding = weight("embedding");
  let rows: Rows = tokens.map((token) => embedding.slice(token * spec.width, (token + 1) * spec.width));
  for (let layer = 0; layer < spec.layers; layer++) {
    const named = (role: string): Float32Array => weight(`layers.${layer}.${role}`);
    rows = add(rows, attention(spec, named, norm(rows, named("attention-norm"), spec.normEpsilon)));
    rows = add(rows, feedForward(named, norm(rows, named("ffn-norm"), spec.normEpsilon)));
  }
  return product(norm(rows, weight("final-norm"), spec.normEpsilon), spec.tiedHead ? embedding : weight("head"));
}

function cachedWeights(model: DecoderModel): (name: string) => Float32Array {
  const cache = new Map<string, Float32Array>();
  return (name) => {
    const known = cache.get(name) ?? dequantiseAll(model.weights.read(name));
    cache.set(name, known);
    return known;
  };
}

function add(left: Rows, right: Rows): Rows {
  return left.map((row, t) => row.map((value, i) => value + right[t]![i]!));
}

function norm(rows: Rows, weight: Float32Array, epsilon: number): Rows {
  return rows.map((row) => normOne(row, weight, epsilon));
}

function normOne(row: Float32Array, weight: Float32Array, epsilon: number): Float32Array {
  const meanSquare = row.reduce((sum, value) => sum + value * value, 0) / row.length;
  return row.map((value, i) => (value / Math.sqrt(meanSquare + epsilon)) * weight[i]!);
}

function product(rows: Rows, matrix: Float32Array, bias?: Float32Array): Rows {
  return rows.map((row) => {
    const out = new Float32Array(matrix.length / row.length);
    for (let n = 0; n < out.length; n++) {
      let sum = bias?.[n] ?? 0;
      for (let k = 0; k < row.length; k++) sum += matrix[n * row.length + k]! * row[k]!;
      out[n] = sum;
    }
    return out;
  });
}

function attention(spec: DecoderSpec, named: (role: string) => Float32Array, rows: Rows): Rows {
  const { heads, kvHeads, headDim } = spec;
  const bias = (role: string): Float32Array | undefined => (spec.qkvBias ? named(role) : undefined);
  const heads3 = (role: "q" | "k" | "v", count: number): Float32Array[][] =>
    product(rows, named(role), bias(`${role}-bias`)).map((row, position) =>
      Array.from({ length: count }, (_unused, head) => {
        const part = row.slice(head * headDim, (head + 1) * headDim);
        if (role === "v") return part;
        return rotate(spec, spec.qkNorm ? normOne(part, named(`${role}-norm`), spec.normEpsilon) : part, position);
      }),
    );
  const q = heads3("q", heads);
  const k = heads3("k", kvHeads);
  const v = heads3("v", kvHeads);
  const mixed = rows.map((_row, t) => {
    const out = new Float32Array(heads * headDim);
    for (let head = 0; head < heads; head++) {
      const kv = Math.floor((head * kvHeads) / heads);
      const shares = softmax(Array.from({ length: t + 1 }, (_unused, s) => dot(q[t]![head]!, k[s]![kv]!) / Math.sqrt(headDim)));
      for (let s = 0; s <= t; s++) for (let i = 0; i < headDim; i++) out[head * headDim + i]! += shares[s]! * v[s]![kv]![i]!;
    }
    return out;
  });
  return product(mixed, named("o"));
}

function rotate(spec: DecoderSpec, head: Float32Array, position: number): Float32Array {
  const { interleaved, frequencies, attentionFactor } = spec.rope;
  const out = head.slice();
  const half = head.length / 2;
  for (let i = 0; i < half; i++) {
    const [a, b] = interleaved ? [2 * i, 2 * i + 1] : [i, i + half];
    const cosine = Math.cos(position * frequencies[i]!) * attentionFactor;
    const sine = Math.sin(position * frequencies[i]!) * attentionFactor;
    out[a] = head[a]! * cosine - head[b]! * sine;
    out[b] = head[a]! * sine + head[b]! * cosine;
  }
  return out;
}

function feedForward(named: (role: string) => Float32Array, rows: Rows): Rows {
  const up = product(rows, named("up"));
  const gated = product(rows, named("gate")).map((row, t) => row.map((value, i) => (value / (1 + Math.exp(-value))) * up[t]![i]!));
  return product(gated, named("down"));
}

function dot(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, i) => sum + value * right[i]!, 0);
}

export function softmax(values: readonly number[]): number[] {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/**
 * What a stage in block-int8 computes, as plainly as it can be, in f64: weights of 4-bit blocks as the file says (scales in f16), all others rounded to
 * 255 levels a block of 32, what enters a product rounded to 255 levels a block of 32 too; keys and values in f32 pages. It shares no code with the kernels.
 */
import { dequantiseAll } from "../../src/graph/decoder/dequantise.ts";
import { halfTable } from "../../src/graph/decoder/half.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import type { DecoderSpec } from "../../src/graph/decoder/spec.ts";
import type { WeightFormat } from "../../src/graph/decoder/weights.ts";
import { floatToHalf } from "./quantise.ts";
import { softmax } from "./reference-decoder.ts";

const BLOCK = 32;
/** What the largest value of a block becomes. */
const LARGEST = 127;
const PAGE_TOKENS = 64;
const FOUR_BITS: readonly WeightFormat[] = ["Q4_0", "Q4_1", "Q4_K"];

export interface BlockInt8Row {
  /** Of the residual stream; unchanged. */
  readonly x: Float64Array;
  /** Tokens before it. */
  readonly position: number;
  readonly pages: readonly number[];
}

export interface BlockInt8Result {
  readonly row: Float64Array;
  /**
   * How close the activations came to the middle between two levels, in levels (0 to 0.5): where another order of sums may round them the other way.
   */
  readonly doubt: number;
}

export interface BlockInt8Stage {
  /** The stream after layers `fromLayer` to `toLayer`; writes the row's keys and values to `pages`, as the kernels' stage holds them. */
  decode(row: BlockInt8Row, pages: readonly Float32Array[]): BlockInt8Result;
  head(x: Float64Array): BlockInt8Result;
}

/** A stage of layers `fromLayer` to `toLayer` (excluded); with a `largest` that is large enough, nothing is rounded. */
export function blockInt8Stage(model: DecoderModel, fromLayer: number, toLayer: number, largest = LARGEST): BlockInt8Stage {
  const { spec } = model;
  const weights = cached(model, largest);
  const doubtful = (): Inputs => roundedInputs(largest);
  return {
    decode: ({ x, position, pages: held }, pages) => {
      const inputs = doubtful();
      let row = x;
      for (let layer = fromLayer; layer < toLayer; layer++) {
        const name = (role: string): string => `layers.${layer}.${role}`;
        const kept = { keys: pages[2 * (layer - fromLayer)]!, values: pages[2 * (layer - fromLayer) + 1]!, held };
        row = sum(row, attention({ spec, weights, name, inputs, position }, norm(row, weights.vector(name("attention-norm")), spec), kept));
        const entered = inputs.round(norm(row, weights.vector(name("ffn-norm")), spec));
        const [gate, up] = weights.matrices([name("gate"), name("up")]).map((matrix) => product(matrix, entered));
        const features = gate!.map((value, i) => (value / (1 + Math.exp(-value))) * up![i]!);
        row = sum(row, product(weights.matrices([name("down")])[0]!, inputs.round(features)));
      }
      return { row, doubt: inputs.doubt() };
    },
    head: (x) => {
      const inputs = doubtful();
      const entered = inputs.round(norm(x, weights.vector("final-norm"), spec));
      const row = product(weights.matrices([spec.tiedHead ? "embedding" : "head"])[0]!, entered);
      return { row, doubt: inputs.doubt() };
    },
  };
}

interface Weights {
  /** Of one product, which are in 4 bits only together. */
  matrices(names: readonly string[]): readonly Float64Array[];
  vector(name: string): Float64Array;
}

function cached({ weights }: DecoderModel, largest: number): Weights {
  const known = new Map<string, Float64Array>();
  const once = (key: string, make: () => Float64Array): Float64Array => {
    const found = known.get(key) ?? make();
    known.set(key, found);
    return found;
  };
  return {
    vector: (name) => once(name, () => Float64Array.from(dequantiseAll(weights.read(name)))),
    matrices: (names) => {
      const exact = names.every((name) => FOUR_BITS.includes(weights.tensors.get(name)!.format));
      return names.map((name) =>
        once(name, () => {
          const tensor = weights.read(name);
          const values = tensor.format === "Q4_K" && exact ? fourBitsK(tensor.data) : Float64Array.from(dequantiseAll(tensor));
          return exact ? values : byRows(values, tensor.shape.at(-1)!, (row) => rounded(row, largest).row);
        }),
      );
    },
  };
}

/** Blocks of Q4_K with the products of their scales, which are in 17 bits, rounded to f16. Source: block_q4_K of llama.cpp's ggml-common.h. */
function fourBitsK(data: Uint8Array): Float64Array {
  const out = new Float64Array((data.length / 144) * 256);
  const f16 = (value: number): number => halfTable()[floatToHalf(value)]!;
  for (let block = 0; block * 144 < data.length; block++) {
    const bytes = data.subarray(block * 144, (block + 1) * 144);
    const [d, least] = [0, 2].map((at) => halfTable()[bytes[at]! | (bytes[at + 1]! << 8)]!);
    const packed = bytes.subarray(4, 16);
    for (let part = 0; part < 8; part++) {
      const late = part >= 4;
      const scale = late ? (packed[part + 4]! & 15) | ((packed[part - 4]! >> 6) << 4) : packed[part]! & 63;
      const offset = late ? (packed[part + 4]! >> 4) | ((packed[part]! >> 6) << 4) : packed[part + 4]! & 63;
      for (let i = 0; i < 32; i++) {
        const byte = bytes[16 + (part >> 1) * 32 + i]!;
        const level = part % 2 === 0 ? byte & 15 : byte >> 4;
        out[block * 256 + part * 32 + i] = f16(d! * scale) * level - f16(least! * offset);
      }
    }
  }
  return out;
}

function byRows(values: Float64Array, columns: number, change: (row: Float64Array) => Float64Array): Float64Array {
  const out = new Float64Array(values.length);
  for (let at = 0; at < values.length; at += columns) out.set(change(values.subarray(at, at + columns)), at);
  return out;
}

/** A row rounded to 2 · `levels` + 1 levels a block, the last of which may be short; and how close it came to the middle between two levels. */
function rounded(row: Float64Array, levels: number): BlockInt8Result {
  const out = new Float64Array(row.length);
  let doubt = 0.5;
  for (let at = 0; at < row.length; at += BLOCK) {
    const block = row.subarray(at, at + BLOCK);
    const largest = Math.max(...block.map(Math.abs));
    block.forEach((value, i) => {
      const level = largest === 0 ? 0 : value * (levels / largest);
      out[at + i] = Math.round(level) * (largest / levels);
      doubt = Math.min(doubt, Math.abs(Math.abs(level - Math.trunc(level)) - 0.5));
    });
  }
  return { row: out, doubt };
}

interface Inputs {
  round(row: Float64Array): Float64Array;
  doubt(): number;
}

function roundedInputs(largest: number): Inputs {
  let least = 0.5;
  return {
    round: (given) => {
      const { row, doubt } = rounded(given, largest);
      least = Math.min(least, doubt);
      return row;
    },
    doubt: () => least,
  };
}

function sum(left: Float64Array, right: Float64Array): Float64Array {
  return left.map((value, i) => value + right[i]!);
}

function norm(row: Float64Array, weight: Float64Array, { normEpsilon }: DecoderSpec): Float64Array {
  const meanSquare = row.reduce((total, value) => total + value * value, 0) / row.length;
  return row.map((value, i) => (value / Math.sqrt(meanSquare + normEpsilon)) * weight[i]!);
}

function product(matrix: Float64Array, row: Float64Array): Float64Array {
  const out = new Float64Array(matrix.length / row.length);
  for (let n = 0; n < out.length; n++) for (let k = 0; k < row.length; k++) out[n]! += matrix[n * row.length + k]! * row[k]!;
  return out;
}

interface AttentionParts {
  readonly spec: DecoderSpec;
  readonly weights: Weights;
  readonly name: (role: string) => string;
  readonly inputs: Inputs;
  readonly position: number;
}

/** Pages of one layer, [capacity, KV heads, 64, D], and which of them the row holds, in order. */
interface KeptPages {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly held: readonly number[];
}

function attention({ spec, weights, name, inputs, position }: AttentionParts, x: Float64Array, kept: KeptPages): Float64Array {
  const { heads, kvHeads, headDim } = spec;
  const entered = inputs.round(x);
  const matrices = weights.matrices([name("q"), name("k"), name("v")]);
  const [q, k, v] = (["q", "k", "v"] as const).map((role, i) => {
    const row = product(matrices[i]!, entered);
    const biased = spec.qkvBias ? sum(row, weights.vector(name(`${role}-bias`))) : row;
    if (role === "v") return biased;
    return byRows(biased, headDim, (head) =>
      rotate(spec, spec.qkNorm ? norm(head, weights.vector(name(`${role}-norm`)), spec) : head, position),
    );
  });
  /** Where a token's head begins in its page. */
  const at = (token: number, head: number): number =>
    ((kept.held[Math.floor(token / PAGE_TOKENS)]! * kvHeads + head) * PAGE_TOKENS + (token % PAGE_TOKENS)) * headDim;
  for (let head = 0; head < kvHeads; head++) {
    kept.keys.set(k!.subarray(head * headDim, (head + 1) * headDim), at(position, head));
    kept.values.set(v!.subarray(head * headDim, (head + 1) * headDim), at(position, head));
  }
  const mixed = new Float64Array(heads * headDim);
  for (let head = 0; head < heads; head++) {
    const own = Math.floor((head * kvHeads) / heads);
    const scores = Array.from({ length: position + 1 }, (_, token) => {
      let score = 0;
      for (let i = 0; i < headDim; i++) score += q![head * headDim + i]! * kept.keys[at(token, own) + i]!;
      return score / Math.sqrt(headDim);
    });
    softmax(scores).forEach((share, token) => {
      for (let i = 0; i < headDim; i++) mixed[head * headDim + i]! += share * kept.values[at(token, own) + i]!;
    });
  }
  return product(weights.matrices([name("o")])[0]!, inputs.round(mixed));
}

function rotate({ rope }: DecoderSpec, head: Float64Array, position: number): Float64Array {
  const out = head.slice();
  const half = head.length / 2;
  rope.frequencies.forEach((frequency, i) => {
    const [a, b] = rope.interleaved ? [2 * i, 2 * i + 1] : [i, i + half];
    const cosine = Math.cos(position * frequency) * rope.attentionFactor;
    const sine = Math.sin(position * frequency) * rope.attentionFactor;
    out[a] = head[a]! * cosine - head[b]! * sine;
    out[b] = head[a]! * sine + head[b]! * cosine;
  });
  return out;
}

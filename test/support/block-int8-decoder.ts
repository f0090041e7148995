/**
 * What a stage in block-int8 computes, as plainly as it can be, in f64: weights of 4-bit blocks as the file says (scales in f16), all others rounded to
 * 255 levels a block of 32, what enters a product rounded to 255 levels a block of 32 too; of each token and head the key rounded to 255 levels, the value
 * to bf16, and the query that meets them to 4,095 levels. It shares no code with the kernels.
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
const QUERY_LARGEST = 2047;
/** Queries' levels are finer, and sums before them fewer: what is in doubt there counts so much. */
const QUERY_DOUBT = 0.5;
/** How far sums in f32 may be off, of the largest. */
const SUM_NOISE = 1e-6;
/** Bits of a value in bf16 behind its first. */
const VALUE_BITS = 7;
const PAGE_TOKENS = 64;
const FOUR_BITS: readonly WeightFormat[] = ["Q4_0", "Q4_1", "Q4_K"];

export interface BlockInt8Row {
  /** Of the residual stream; unchanged. */
  readonly x: Float64Array;
  /** Tokens before it. */
  readonly position: number;
  readonly pages: readonly number[];
  /** Pages of which the row's key and value are taken as the kernels rounded them; rounded here where absent. */
  readonly written?: readonly Float32Array[];
}

export interface BlockInt8Result {
  readonly row: Float64Array;
  /** How far written keys and values lie from exact ones: 1 where they are rounded to the nearest and that is halfway. */
  readonly stray: number;
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
    decode: ({ x, position, pages: held, written }, pages) => {
      const inputs = doubtful();
      let row = x;
      let stray = 0;
      for (let layer = fromLayer; layer < toLayer; layer++) {
        const name = (role: string): string => `layers.${layer}.${role}`;
        const at = 2 * (layer - fromLayer);
        const kept: KeptPages = { keys: pages[at]!, values: pages[at + 1]!, held, written: written?.slice(at, at + 2) };
        const entered = norm(row, weights.vector(name("attention-norm")), spec);
        const attended = attention({ spec, weights, name, inputs, position, exact: largest !== LARGEST }, entered, kept);
        row = sum(row, attended.row);
        stray = Math.max(stray, attended.stray);
        const fed = inputs.round(norm(row, weights.vector(name("ffn-norm")), spec));
        const [gate, up] = weights.matrices([name("gate"), name("up")]).map((matrix) => product(matrix, fed));
        const features = gate!.map((value, i) => (value / (1 + Math.exp(-value))) * up![i]!);
        row = sum(row, product(weights.matrices([name("down")])[0]!, inputs.round(features)));
      }
      return { row, doubt: inputs.doubt(), stray };
    },
    head: (x) => {
      const inputs = doubtful();
      const entered = inputs.round(norm(x, weights.vector("final-norm"), spec));
      const row = product(weights.matrices([spec.tiedHead ? "embedding" : "head"])[0]!, entered);
      return { row, doubt: inputs.doubt(), stray: 0 };
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
function rounded(row: Float64Array, levels: number, size = BLOCK): { readonly row: Float64Array; readonly doubt: number } {
  const out = new Float64Array(row.length);
  let doubt = 0.5;
  for (let at = 0; at < row.length; at += size) {
    const block = row.subarray(at, at + size);
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
  /** A head's query. */
  query(head: Float64Array): Float64Array;
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
    query: (head) => {
      const { row, doubt } = rounded(head, Math.max(largest, QUERY_LARGEST), head.length);
      least = Math.min(least, doubt * QUERY_DOUBT);
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
  /** Keys and values are not rounded. */
  readonly exact: boolean;
}

/** Pages of one layer, [capacity, KV heads, 64, D], and which of them the row holds, in order. */
interface KeptPages {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly held: readonly number[];
  readonly written: readonly Float32Array[] | undefined;
}

/** Half of what lies between a key's levels. */
function keyReach(key: Float64Array): Float64Array {
  const reach = Math.max(...key.map(Math.abs)) / LARGEST / 2;
  return key.map(() => reach);
}

/** Half of what lies between a number's neighbours in bf16. */
function valueReach(value: Float64Array): Float64Array {
  return value.map((one) => 2 ** (Math.floor(Math.log2(Math.abs(one) + Number.MIN_VALUE)) - VALUE_BITS - 1));
}

function roundedKey(key: Float64Array): Float64Array {
  return rounded(key, LARGEST, key.length).row;
}

function roundedValue(value: Float64Array): Float64Array {
  const reach = valueReach(value);
  return value.map((one, i) => Math.round(one / reach[i]! / 2) * reach[i]! * 2);
}

function attention(
  { spec, weights, name, inputs, position, exact }: AttentionParts,
  x: Float64Array,
  kept: KeptPages,
): { readonly row: Float64Array; readonly stray: number } {
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
  const asked = byRows(q!, headDim, (head) => inputs.query(head));
  let stray = 0;
  for (let head = 0; head < kvHeads; head++) {
    const own = (row: Float64Array): Float64Array => row.subarray(head * headDim, (head + 1) * headDim);
    const first = at(position, head);
    for (const [i, pages, given, round, reach] of [
      [0, kept.keys, own(k!), roundedKey, keyReach],
      [1, kept.values, own(v!), roundedValue, valueReach],
    ] as const) {
      const written = kept.written?.[i]?.subarray(first, first + headDim);
      const most = reach(given);
      const noise = Math.max(...given.map(Math.abs)) * SUM_NOISE;
      written?.forEach((value, column) => {
        stray = Math.max(stray, (Math.abs(value - given[column]!) - noise) / most[column]!);
      });
      pages.set(written ?? (exact ? given : round(given)), first);
    }
  }
  const mixed = new Float64Array(heads * headDim);
  for (let head = 0; head < heads; head++) {
    const own = Math.floor((head * kvHeads) / heads);
    const scores = Array.from({ length: position + 1 }, (_, token) => {
      let score = 0;
      for (let i = 0; i < headDim; i++) score += asked[head * headDim + i]! * kept.keys[at(token, own) + i]!;
      return score / Math.sqrt(headDim);
    });
    softmax(scores).forEach((share, token) => {
      for (let i = 0; i < headDim; i++) mixed[head * headDim + i]! += share * kept.values[at(token, own) + i]!;
    });
  }
  return { row: product(weights.matrices([name("o")])[0]!, inputs.round(mixed)), stray };
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

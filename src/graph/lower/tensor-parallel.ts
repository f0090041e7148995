import { err, ok, type Result } from "../../base/result.ts";
import { dequantise } from "../decoder/dequantise.ts";
import type { DecoderSpec } from "../decoder/spec.ts";
import type { WeightSource } from "../decoder/weights.ts";
import { bytesOfArray, createOnnxBuilder, type OnnxBuilder, type Value } from "../onnx/builder.ts";
import type { GangCollective, GangProgram, GangSegment, GangStep } from "../program/gang-program.ts";
import { int64Constant } from "./constants.ts";
import { createPackedWeights } from "./packed-weights.ts";
import type { ProductContext } from "./product.ts";
import { attentionPart, feedForwardPart, type Lowering, named, norm, type SequenceDecoderOptions } from "./sequence-decoder.ts";
import { type CannotShard, type Rank, shardSpec, shardWeights } from "./tensor-parallel-weights.ts";

/** Beyond the end of every axis, for a slice to the end. */
const END = 2_147_483_647;
const SUM: GangCollective = { op: "all-reduce", reduce: "sum" };

/**
 * A decoder for one sequence as a gang of `size` ranks: each holds its share of the heads and of the feed-forward network.
 *
 * Model: queries, keys, values, gate and up are split by outputs, the products that close a block by inputs, so that a layer takes two sums over the
 * gang and nothing else; the head is split by words of the vocabulary where they divide, else it is on every rank, as embedding and norms are.
 * Shapes: as `lowerSequenceDecoder`; `k.<l>` and `v.<l>` hold the rank's own KV heads, [P, KV/size·D]; every rank gives all of `logits`.
 * Errors: `cannot-shard` where heads or columns do not divide.
 * Source: Shoeybi et al., Megatron-LM, 2019, arXiv 1909.08053, section 3.
 */
export function lowerTensorParallel(
  model: { readonly spec: DecoderSpec; readonly weights: WeightSource },
  size: number,
  options: SequenceDecoderOptions,
): Result<readonly GangProgram[], CannotShard> {
  const spec = shardSpec(model.spec, size);
  if (!spec.ok) return err(spec.error);
  const ranks = Array.from({ length: size }, (_unused, rank): Rank => ({ rank, size }));
  return ok(ranks.map((at) => lowerRank({ ...model, shard: spec.value, options, at })));
}

interface RankLowering {
  readonly spec: DecoderSpec;
  readonly weights: WeightSource;
  readonly shard: DecoderSpec;
  readonly options: SequenceDecoderOptions;
  readonly at: Rank;
}

function lowerRank(lowering: RankLowering): GangProgram {
  const { spec, at } = lowering;
  const own = shardWeights(lowering.weights, at);
  const steps: GangStep[] = [];
  const exchange = (name: string, collective: GangCollective, input: string, output: string): void => {
    steps.push({ type: "collective", name, collective, input, output });
  };
  for (let layer = 0; layer < spec.layers; layer++) {
    const attention = `layers.${layer}.attention`;
    steps.push(attentionSegment(lowering, own, layer));
    exchange(attention, SUM, `${attention}.part`, `${attention}.sum`);
    const ffn = `layers.${layer}.ffn`;
    steps.push(feedForwardSegment(lowering, own, layer));
    exchange(ffn, SUM, `${ffn}.part`, `${ffn}.sum`);
  }
  steps.push(headSegment(lowering));
  if (splitsHead(lowering)) {
    exchange("head", { op: "all-gather" }, "logits.part", "logits.words");
    steps.push(wordsToRows(spec));
  }
  const states = Array.from({ length: spec.layers }, (_unused, layer) => [`k.${layer}`, `v.${layer}`]).flat();
  const inputs = ["tokens", "positions", ...states];
  return { ...at, steps, inputs, outputs: ["logits", ...states.map((state) => `${state}.rows`)] };
}

/** Makes one segment: inputs are declared as they are read, outputs named by the caller. */
function segment(name: string, make: (draft: SegmentDraft) => void): GangSegment {
  const builder = createOnnxBuilder(name);
  const inputs: string[] = [];
  const outputs: string[] = [];
  const products: ProductContext = {
    builder: named(
      {
        ...builder,
        input: (input, type, dims) => {
          inputs.push(input);
          return builder.input(input, type, dims);
        },
        output: (value, type, dims) => {
          outputs.push(value);
          builder.output(value, type, dims);
        },
      },
      name,
    ),
    format: "f32",
    dialect: "onnxruntime",
    shared: new Map(),
    packed: createPackedWeights(),
  };
  make({ builder: products.builder, products });
  return { type: "segment", name, model: builder.build(), inputs, outputs };
}

interface SegmentDraft {
  readonly builder: OnnxBuilder;
  readonly products: ProductContext;
}

/** Embeds, or adds what the layer before left; then the rank's part of attention. */
function attentionSegment({ spec, shard, weights, options }: RankLowering, own: WeightSource, layer: number): GangSegment {
  const name = `layers.${layer}.attention`;
  return segment(name, ({ builder, products }) => {
    const x = layer === 0 ? embedded(builder, spec, weights) : summed(builder, spec, residual(layer - 1, "ffn"), `${name}.x`);
    builder.output(x, "float32", ["T", spec.width]);
    const positions = builder.input("positions", "int64", ["T"]);
    const { cosines, sines, positions: known } = options.rotations;
    const lowering: Lowering = {
      spec: shard,
      weights: own,
      products,
      positions: builder.node("Unsqueeze", [positions, int64Constant(builder, [0])]),
      cosines: builder.weight("cosines", "float32", [known, spec.headDim / 2], bytesOfArray(cosines)),
      sines: builder.weight("sines", "float32", [known, spec.headDim / 2], bytesOfArray(sines)),
    };
    givePart(builder, spec, attentionPart(lowering, layer, x), `${name}.part`);
  });
}

function feedForwardSegment({ spec, shard }: RankLowering, own: WeightSource, layer: number): GangSegment {
  const name = `layers.${layer}.ffn`;
  return segment(name, ({ builder, products }) => {
    const x = summed(builder, spec, residual(layer, "attention"), `${name}.x`);
    builder.output(x, "float32", ["T", spec.width]);
    const lowering: Pick<Lowering, "spec" | "weights" | "products"> = { spec: shard, weights: own, products };
    givePart(builder, spec, feedForwardPart(lowering, layer, x), `${name}.part`);
  });
}

/** The residual stream before a block, and what the gang adds to it. */
interface Residual {
  readonly x: string;
  readonly sum: string;
}

function residual(layer: number, block: "attention" | "ffn"): Residual {
  const name = `layers.${layer}.${block}`;
  return { x: `${name}.x`, sum: `${name}.sum` };
}

function embedded(builder: OnnxBuilder, spec: DecoderSpec, weights: WeightSource): Value {
  const tokens = builder.input("tokens", "int64", ["T"]);
  const table = rowsOf(weights, "embedding", { from: 0, to: spec.vocabulary });
  const embedding = builder.weight("embedding", "float32", [spec.vocabulary, spec.width], bytesOfArray(table));
  return builder.node("Gather", [embedding, tokens], { outputNames: ["layers.0.attention.x"] });
}

function summed(builder: OnnxBuilder, spec: DecoderSpec, { x, sum }: Residual, name: string): Value {
  const parts = [x, sum].map((input) => builder.input(input, "float32", ["T", spec.width]));
  return builder.node("Add", parts, { outputNames: [name] });
}

/** Under a name of its own, which products do not take. */
function givePart(builder: OnnxBuilder, spec: DecoderSpec, part: Value, name: string): void {
  builder.output(builder.node("Identity", [part], { outputNames: [name] }), "float32", ["T", spec.width]);
}

function splitsHead({ spec, at }: RankLowering): boolean {
  return at.size > 1 && spec.vocabulary % at.size === 0;
}

/** The final norm and the rank's words of the head, [V/size, T]; or the whole head, [T, V]. */
function headSegment(lowering: RankLowering): GangSegment {
  const { spec, weights, options, at } = lowering;
  return segment("head", ({ builder, products }) => {
    const x = summed(builder, spec, residual(spec.layers - 1, "ffn"), "head.x");
    const last = options.logits === "last";
    const ends = last ? [-1, END, 0].map((value) => int64Constant(builder, [value])) : [];
    const normed = norm({ spec, weights, products }, "final-norm", last ? builder.node("Slice", [x, ...ends]) : x);
    const tokens = last ? 1 : "T";
    const split = splitsHead(lowering);
    const words = split ? spec.vocabulary / at.size : spec.vocabulary;
    const from = split ? at.rank * words : 0;
    const floats = rowsOf(weights, spec.tiedHead ? "embedding" : "head", { from, to: from + words });
    const weight = builder.weight("head", "float32", [words, spec.width], bytesOfArray(floats));
    const attributes = { transB: 1 };
    if (split) {
      const part = builder.node("Gemm", [weight, normed], { attributes, outputNames: ["logits.part"] });
      builder.output(part, "float32", [words, tokens]);
    } else {
      builder.output(builder.node("Gemm", [normed, weight], { attributes, outputNames: ["logits"] }), "float32", [tokens, words]);
    }
  });
}

/** What the ranks give stands word by word, [V, T]; logits stand token by token. */
function wordsToRows(spec: DecoderSpec): GangSegment {
  return segment("head.rows", ({ builder }) => {
    const all = builder.input("logits.words", "float32", [spec.vocabulary, "T"]);
    const rows = builder.node("Transpose", [all], { attributes: { perm: [1, 0] }, outputNames: ["logits"] });
    builder.output(rows, "float32", ["T", spec.vocabulary]);
  });
}

function rowsOf(weights: WeightSource, name: string, { from, to }: { readonly from: number; readonly to: number }): Float32Array {
  return dequantise(weights.read(name), from, to);
}

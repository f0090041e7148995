import type { Rule } from "./rule.ts";
import {
  decoderMaskedAttention,
  groupQueryAttention,
  multiHeadAttention,
  projectedAttention,
  standardAttention,
} from "./rules/attention.ts";
import { choice, loop, scan } from "./rules/control.ts";
import { convolution, transposedConvolution } from "./rules/convolution.ts";
import { einsum } from "./rules/einsum.ts";
import { arithmetic, cast, castLike, comparison, likeFirst, unary, where } from "./rules/elementwise.ts";
import { gather, gatherElements, gatherNd, gatherPacked, oneHot, scatter } from "./rules/gathering.ts";
import { concat, pad, quantisedConcat, tile } from "./rules/joining.ts";
import { fusedMatMul, gemm, packedProduct, productOfInputs } from "./rules/matrix-products.ts";
import { batchNorm, dropout, embedLayerNorm, layerNorm, skipLayerNorm } from "./rules/normalisation.ts";
import { globalPool, pool } from "./rules/pooling.ts";
import { dequantise, dynamicQuantise, quantise, quantisedArithmetic } from "./rules/quantising.ts";
import { recurrent } from "./rules/recurrent.ts";
import { argument, reduce, topK } from "./rules/reductions.ts";
import { depthAndSpace, expand, flatten, identity, reshape, squeeze, transpose, unsqueeze } from "./rules/reshaping.ts";
import { centerCropPad, gridSample, regions, resize } from "./rules/resizing.ts";
import { compress, nonMaxSuppression, nonZero, unique } from "./rules/selecting.ts";
import { fourier, melWeights, shortFourier, windowFunction } from "./rules/signal.ts";
import { constantAttribute, constantOfShape, random, range, shapeOf, sizeOf } from "./rules/sizes.ts";
import { slice, split } from "./rules/slicing.ts";

type Table = Readonly<Record<string, Rule>>;

function each(names: string, rule: Rule): Table {
  return Object.fromEntries(names.split(" ").map((name) => [name, rule]));
}

const ELEMENTWISE: Table = {
  ...each("Abs Neg Floor Ceil Round Sqrt Not", unary),
  ...each("Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan Tanh Erf Exp Log Reciprocal Sign BitwiseNot", likeFirst),
  ...each("Relu LeakyRelu Elu Celu Selu Gelu Sigmoid HardSigmoid HardSwish Mish Softplus Softsign ThresholdedRelu Swish", likeFirst),
  ...each("Clip Shrink PRelu CumSum CumProd Trilu ReverseSequence Hardmax Softmax LogSoftmax Bernoulli", likeFirst),
  ...each("LpNormalization MeanVarianceNormalization LRN InstanceNormalization GroupNormalization RMSNormalization", likeFirst),
  ...each("Add Sub Mul Div Mod Min Max Sum Mean Pow BitShift BitwiseAnd BitwiseOr BitwiseXor", arithmetic),
  ...each("Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor IsNaN IsInf", comparison),
  Where: where,
  Cast: cast,
  CastLike: castLike,
};

const STANDARD: Table = {
  ...ELEMENTWISE,
  MatMul: productOfInputs([0, 1], { input: 0 }),
  MatMulInteger: productOfInputs([0, 1], "i32"),
  QLinearMatMul: productOfInputs([0, 3], { input: 7 }),
  Gemm: gemm(1),
  Einsum: einsum,
  Conv: convolution(1),
  ConvInteger: convolution(1, "i32"),
  QLinearConv: convolution(3),
  DeformConv: convolution(1),
  ConvTranspose: transposedConvolution,
  ...each("MaxPool AveragePool LpPool", pool),
  ...each("GlobalAveragePool GlobalMaxPool GlobalLpPool", globalPool),
  ...each("MaxRoiPool RoiAlign", regions),
  BatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  // ONNX Runtime keeps this operator in the standard's domain.
  SimplifiedLayerNormalization: layerNorm,
  Dropout: dropout,
  Identity: identity,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: expand,
  ...each("DepthToSpace SpaceToDepth", depthAndSpace),
  Slice: slice,
  Split: split,
  Concat: concat,
  Tile: tile,
  Pad: pad,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ...each("Scatter ScatterElements ScatterND TensorScatter", scatter),
  OneHot: oneHot,
  ...each("Resize Upsample", resize),
  GridSample: gridSample,
  CenterCropPad: centerCropPad,
  Shape: shapeOf,
  Size: sizeOf,
  Range: range,
  ConstantOfShape: constantOfShape,
  Constant: constantAttribute,
  ...each("RandomNormal RandomUniform RandomNormalLike RandomUniformLike EyeLike", random),
  ...each("ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp", reduce),
  ...each("ArgMax ArgMin", argument),
  TopK: topK,
  NonZero: nonZero,
  NonMaxSuppression: nonMaxSuppression,
  Compress: compress,
  Unique: unique,
  ...each("LSTM GRU RNN", recurrent),
  If: choice,
  Loop: loop,
  Scan: scan,
  QuantizeLinear: quantise,
  DequantizeLinear: dequantise,
  DynamicQuantizeLinear: dynamicQuantise,
  Attention: standardAttention,
  RotaryEmbedding: likeFirst,
  STFT: shortFourier,
  DFT: fourier,
  ...each("HannWindow HammingWindow BlackmanWindow", windowFunction),
  MelWeightMatrix: melWeights,
};

/** Operators that ONNX Runtime adds. Source: ONNX Runtime, docs/ContribOperators.md. */
const MICROSOFT: Table = {
  ...each("Gelu FastGelu QuickGelu BiasGelu BiasSplitGelu GemmaRotaryEmbedding RotaryEmbedding Trilu Inverse", likeFirst),
  ...each("QLinearSigmoid QLinearLeakyRelu QLinearSoftmax NhwcMaxPool BiasSoftmax BiasDropout GroupNorm BiasAdd MoE QMoE", likeFirst),
  ...each("QuantizeLinear", quantise),
  ...each("DequantizeLinear", dequantise),
  FusedMatMul: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  FusedMatMulActivation: fusedMatMul,
  GemmFastGelu: productOfInputs([0, 1], { input: 0 }),
  ...each("MatMulNBits MatMulBnb4", packedProduct),
  MatMulIntegerToFloat: productOfInputs([0, 1], { input: 2 }),
  DynamicQuantizeMatMul: productOfInputs([0, 1], { input: 0 }),
  DynamicQuantizeLSTM: recurrent,
  FusedGemm: gemm(1),
  QGemm: gemm(3),
  FusedConv: convolution(1),
  QLinearConv: convolution(3),
  ...each("QLinearAdd QLinearMul", quantisedArithmetic),
  QLinearAveragePool: pool,
  QLinearGlobalAveragePool: globalPool,
  QLinearConcat: quantisedConcat,
  SimplifiedLayerNormalization: layerNorm,
  ...each("SkipLayerNormalization SkipSimplifiedLayerNormalization SkipGroupNorm", skipLayerNorm),
  EmbedLayerNormalization: embedLayerNorm,
  Attention: projectedAttention(2, 4),
  QAttention: projectedAttention(2, 8),
  MultiHeadAttention: multiHeadAttention,
  GroupQueryAttention: groupQueryAttention,
  DecoderMaskedMultiHeadAttention: decoderMaskedAttention,
  GatherBlockQuantized: gatherPacked,
  Unique: unique,
  Pad: pad,
  Range: range,
};

/** All rules, by the domain of their operators. */
export const RULES: Readonly<Record<string, Readonly<Record<string, Rule>>>> = { onnx: STANDARD, "com.microsoft": MICROSOFT };

/** The rule of an operator, if there is one. */
export function ruleOf(domain: string, type: string): Rule | undefined {
  const table = Object.hasOwn(RULES, domain) ? RULES[domain] : undefined;
  return table !== undefined && Object.hasOwn(table, type) ? table[type] : undefined;
}

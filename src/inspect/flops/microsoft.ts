import { decoderMasked, groupQuery, multiHead, projected } from "./attention.ts";
import { convolution, transposedConvolution } from "./convolutions.ts";
import { type FlopRules, zeroFor } from "./flop-rule.ts";
import { fusedProduct, gemm, matrixProduct, mixture, packedProduct } from "./products.ts";
import { recurrence } from "./recurrences.ts";

const ELEMENTWISE = `Gelu FastGelu QuickGelu BiasGelu BiasSplitGelu BiasAdd BiasSoftmax BiasDropout BitmaskDropout BitmaskBiasDropout GemmaRotaryEmbedding
  RotaryEmbedding Trilu QLinearSigmoid QLinearLeakyRelu QLinearSoftmax QLinearAdd QLinearMul QLinearWhere QuantizeLinear DequantizeLinear
  QuantizeWithOrder DequantizeWithOrder DynamicQuantizeLinear MulInteger QuantizeBFP DequantizeBFP IsAllFinite`;

const NORMS = `SimplifiedLayerNormalization SkipLayerNormalization SkipSimplifiedLayerNormalization SkipGroupNorm GroupNorm EmbedLayerNormalization
  NGramRepeatBlock ReduceSumInteger`;

const MOVEMENT = `NhwcMaxPool MaxpoolWithMask QLinearAveragePool QLinearGlobalAveragePool QLinearConcat QLinearReduceMean GatherND GatherBlockQuantized
  CropAndResize ExpandDims Pad Range Unique Tokenizer RemovePadding RestorePadding DynamicSlice GridSample`;

/** Operators that ONNX Runtime adds. Source: ONNX Runtime, docs/ContribOperators.md. */
export const MICROSOFT_FLOPS: FlopRules = {
  ...zeroFor([ELEMENTWISE, NORMS, MOVEMENT]),
  FusedMatMul: fusedProduct,
  TransposeMatMul: fusedProduct,
  FusedMatMulActivation: fusedProduct,
  GemmFastGelu: matrixProduct,
  MatMulIntegerToFloat: matrixProduct,
  MatMulInteger16: matrixProduct,
  DynamicQuantizeMatMul: matrixProduct,
  MatMulNBits: packedProduct,
  MatMulBnb4: packedProduct,
  MatMulFpQ4: matrixProduct,
  FusedGemm: gemm,
  QGemm: gemm,
  GemmFloat8: gemm,
  FusedConv: convolution(1),
  NhwcFusedConv: convolution(1),
  NhwcConv: convolution(1),
  QLinearConv: convolution(3),
  ConvTransposeWithDynamicPads: transposedConvolution(1),
  QLinearConvTranspose: transposedConvolution(3),
  DynamicQuantizeLSTM: recurrence,
  Attention: projected(4),
  QAttention: projected(8),
  MultiHeadAttention: multiHead,
  GroupQueryAttention: groupQuery,
  DecoderMaskedMultiHeadAttention: decoderMasked,
  MoE: mixture([2, 4, 6], false),
  QMoE: mixture([2, 5, 8], true),
};

import { standard } from "./attention.ts";
import { convolution, transposedConvolution } from "./convolutions.ts";
import { einsum } from "./einsum.ts";
import { type FlopRules, zeroFor } from "./flop-rule.ts";
import { fourier, shortFourier } from "./fourier.ts";
import { gemm, matrixProduct } from "./products.ts";
import { recurrence } from "./recurrences.ts";

/** What is done to each element alone, or to it and those beside it: the convention counts none of it. */
const ELEMENTWISE = `Abs Neg Floor Ceil Round Sqrt Not Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan Tanh Erf Exp Log Reciprocal Sign
  BitwiseNot Relu LeakyRelu Elu Celu Selu Gelu Sigmoid HardSigmoid HardSwish Mish Softplus Softsign ThresholdedRelu Swish Clip Shrink PRelu CumSum
  CumProd Trilu Hardmax Softmax LogSoftmax Bernoulli Add Sub Mul Div Mod Min Max Sum Mean Pow BitShift BitwiseAnd BitwiseOr BitwiseXor Equal Less
  LessOrEqual Greater GreaterOrEqual And Or Xor IsNaN IsInf Where Cast CastLike BitCast Dropout QuantizeLinear DequantizeLinear
  DynamicQuantizeLinear RotaryEmbedding NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss`;

const NORMS = `LpNormalization MeanVarianceNormalization LRN InstanceNormalization GroupNormalization RMSNormalization BatchNormalization
  LayerNormalization SimplifiedLayerNormalization`;

const REDUCTIONS = `ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp ArgMax ArgMin
  TopK NonZero NonMaxSuppression Unique MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool MaxRoiPool RoiAlign MaxUnpool`;

const MOVEMENT = `Identity Reshape Flatten Squeeze Unsqueeze Transpose Expand DepthToSpace SpaceToDepth Slice Split Concat Tile Pad Gather GatherElements
  GatherND Scatter ScatterElements ScatterND TensorScatter OneHot Resize Upsample GridSample CenterCropPad Col2Im Shape Size Range ConstantOfShape
  Constant EyeLike Compress ReverseSequence SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence
  ConcatFromSequence Optional OptionalGetElement OptionalHasElement AffineGrid StringNormalizer StringConcat StringSplit RegexFullMatch TfIdfVectorizer
  ImageDecoder`;

const MADE = `RandomNormal RandomUniform RandomNormalLike RandomUniformLike Multinomial HannWindow HammingWindow BlackmanWindow MelWeightMatrix`;

/** Operators of the standard. If, Loop and Scan cost what the graphs in them do. Det has no rule. */
export const ONNX_FLOPS: FlopRules = {
  ...zeroFor([ELEMENTWISE, NORMS, REDUCTIONS, MOVEMENT, MADE]),
  MatMul: matrixProduct,
  MatMulInteger: matrixProduct,
  QLinearMatMul: matrixProduct,
  Gemm: gemm,
  Einsum: einsum,
  Conv: convolution(1),
  ConvInteger: convolution(1),
  QLinearConv: convolution(3),
  DeformConv: convolution(1),
  ConvTranspose: transposedConvolution(1),
  LSTM: recurrence,
  GRU: recurrence,
  RNN: recurrence,
  Attention: standard,
  DFT: fourier,
  STFT: shortFourier,
};

import { type Axes, isSameAxis, type OperatorAxes, paddedPlaces, placeOf } from "./axes.ts";

/**
 * Whether elements behind the end of an operator's padded axes leave all others of its results as they are; the reason where they do not, or where it
 * is not certain.
 *
 * Source: operator specifications of ONNX (opsets 1 to 23) and docs/ContribOperators.md of ONNX Runtime.
 */
export type PaddingRule = (axes: OperatorAxes) => string | undefined;

const names = (text: string): readonly string[] => text.trim().split(/\s+/);

const ELEMENTWISE =
  names(`Abs Neg Floor Ceil Round Sqrt Not Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan Tanh Erf Exp Log Reciprocal Sign
  BitwiseNot Relu LeakyRelu Elu Celu Selu Gelu Sigmoid HardSigmoid HardSwish Mish Softplus Softsign ThresholdedRelu Swish Clip Shrink PRelu Add Sub Mul
  Div Mod Min Max Sum Mean Pow BitShift BitwiseAnd BitwiseOr BitwiseXor Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor IsNaN IsInf Where Cast
  Identity Dropout FastGelu BiasGelu QuickGelu`);
const LAST_AXIS_NORMS = names("SkipLayerNormalization SkipSimplifiedLayerNormalization");
const NORMS = names("LayerNormalization SimplifiedLayerNormalization RMSNormalization");
const SAMPLES = names(`Conv ConvTranspose ConvInteger QLinearConv MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool
  BatchNormalization InstanceNormalization GroupNormalization LRN DepthToSpace SpaceToDepth`);
const SEQUENCES = names("Attention MultiHeadAttention GroupQueryAttention RotaryEmbedding");
const REDUCTIONS = names(
  "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp",
);
const ONE_AXIS = names("TopK ArgMax ArgMin LpNormalization Split");

function all(types: readonly string[], rule: PaddingRule): Readonly<Record<string, PaddingRule>> {
  return Object.fromEntries(types.map((type) => [type, rule]));
}

export const PADDING_RULES: Readonly<Record<string, PaddingRule>> = {
  ...all(ELEMENTWISE, elementwise),
  ...all(NORMS, (axes) => onlyBefore(axes, attribute(axes, "axis", -1))),
  ...all(LAST_AXIS_NORMS, (axes) => onlyBefore(axes, -1)),
  ...all(SAMPLES, onlyFirst),
  ...all(SEQUENCES, (axes) => onlyFirst(axes) ?? allFirst(axes)),
  ...all(REDUCTIONS, reduction),
  ...all(ONE_AXIS, (axes) => notAlong(axes, attribute(axes, "axis", defaultAxis(axes)))),
  Concat: (axes) => notAlong(axes, attribute(axes, "axis", 0)) ?? paddedAlike(axes),
  ...all(["Softmax", "LogSoftmax", "Hardmax"], softmax),
  ...all(["Squeeze", "Unsqueeze"], sameButOnes),
  ...all(["LSTM", "GRU", "RNN"], recurrence),
  ...all(["MatMul", "MatMulInteger"], product),
  MatMulNBits: (axes) => onlyInput(axes, 0) ?? notAlong(axes, -1),
  Gemm: gemm,
  Einsum: einsum,
  Transpose: () => undefined,
  Flatten: (axes) => (attribute(axes, "axis", 1) === 1 ? onlyFirst(axes) : "it flattens padded axes together"),
  Reshape: reshape,
  Gather: gather,
  Expand: (axes) =>
    axes.stored[1] ? elementwise({ ...axes, inputs: axes.inputs.slice(0, 1) }) : "the shape it expands to is known only at run time",
  QuantizeLinear: (axes) => onlyInput(axes, 0),
  DequantizeLinear: (axes) => onlyInput(axes, 0),
  DynamicQuantizeLinear: () => "one scale is made of all elements of its input",
};

function attribute({ operator }: OperatorAxes, name: string, fallback: number): number {
  const value = operator.attributes[name];
  return typeof value === "number" ? value : fallback;
}

function defaultAxis({ operator: { type } }: OperatorAxes): number {
  return ["TopK", "LpNormalization"].includes(type) ? -1 : 0;
}

/** Broadcast from the right: a padded axis meets the same one, a 1 or nothing. */
function elementwise({ inputs, outputs }: OperatorAxes): string | undefined {
  const [target] = outputs;
  for (const axes of inputs) {
    for (const [place, axis] of (axes ?? []).entries()) {
      const met = target?.[place + target.length - axes!.length];
      if (!isSameAxis(axis, met) && axis !== 1) return "a padded axis meets one of another size";
    }
  }
  return undefined;
}

function onlyInput({ inputs }: OperatorAxes, only: number): string | undefined {
  const other = inputs.findIndex((axes, place) => place !== only && paddedPlaces(axes).length > 0);
  return other < 0 ? undefined : `its input ${other} is padded`;
}

/** Samples of a batch do not see one another: first axes alone, of all that is padded, and of every result. */
function onlyFirst({ inputs, outputs }: OperatorAxes): string | undefined {
  const fault = [...inputs, ...outputs].some((axes) => paddedPlaces(axes).some((place) => place !== 0));
  return fault ? "it mixes along a padded axis that does not count samples" : undefined;
}

/** What a run gives has the same first axis everywhere: one that is not padded would not fit the others. */
function allFirst({ inputs, stored }: OperatorAxes): string | undefined {
  const first = inputs[0]?.[0];
  const apart = inputs.some((axes, place) => !stored[place] && axes !== undefined && axes.length > 0 && !isSameAxis(axes[0], first));
  return apart ? "not all of its inputs are padded alike" : undefined;
}

/** Every input is padded at the places the result is. */
function paddedAlike({ inputs, outputs: [target] }: OperatorAxes): string | undefined {
  const apart = inputs.some((axes) => paddedPlaces(target).some((place) => !isSameAxis(axes?.[place], target?.[place])));
  return apart ? "not all of its inputs are padded alike" : undefined;
}

function onlyBefore({ inputs }: OperatorAxes, axis: number): string | undefined {
  const rank = inputs[0]?.length ?? 0;
  const along = paddedPlaces(inputs[0]).some((place) => place >= placeOf(axis, rank));
  return along ? "it mixes along a padded axis" : undefined;
}

function notAlong({ inputs, outputs }: OperatorAxes, axis: number): string | undefined {
  const along = [...inputs.slice(0, 1), ...outputs, ...inputs].some((axes) => {
    const rank = axes?.length ?? 0;
    return rank > 0 && paddedPlaces(axes).includes(placeOf(axis, rank));
  });
  return along ? "it works along a padded axis" : undefined;
}

/** Before opset 13 all axes from the given one on were one, and 1 the default: padded axes stand before both, or it is the last that is meant. */
function softmax(axes: OperatorAxes): string | undefined {
  const rank = axes.inputs[0]?.length ?? 0;
  const axis = placeOf(attribute(axes, "axis", Math.min(1, rank - 1)), rank);
  return onlyBefore(axes, axis);
}

function reduction(axes: OperatorAxes): string | undefined {
  const [from] = axes.inputs;
  const listed = axes.operator.attributes["axes"];
  const rank = from?.length ?? 0;
  if (Array.isArray(listed)) {
    const reduced = (listed as readonly number[]).map((axis) => placeOf(axis, rank));
    return paddedPlaces(from).some((place) => reduced.includes(place)) ? "it reduces a padded axis" : undefined;
  }
  if (attribute(axes, "keepdims", 1) !== 1) return "which axes it reduces is not in the graph";
  return paddedPlaces(from).some((place) => !isSameAxis(from?.[place], axes.outputs[0]?.[place])) ? "it reduces a padded axis" : undefined;
}

function product(axes: OperatorAxes): string | undefined {
  const [a, b] = axes.inputs;
  if (a === undefined || b === undefined) return "it lacks an operand";
  if (axes.inputs.slice(2).some((more) => paddedPlaces(more).length > 0)) return "its zero points are padded";
  if (paddedPlaces(a).includes(a.length - 1)) return "it sums over a padded axis";
  if (paddedPlaces(b).includes(Math.max(0, b.length - 2))) return "it sums over a padded axis";
  const stacks = [a.slice(0, -2), b.slice(0, -2)];
  return elementwise({ ...axes, inputs: stacks, outputs: [axes.outputs[0]?.slice(0, Math.max(stacks[0]!.length, stacks[1]!.length))] });
}

function gemm(axes: OperatorAxes): string | undefined {
  const [a, b, c] = axes.inputs;
  const summed = [attribute(axes, "transA", 0) === 0 ? 1 : 0, attribute(axes, "transB", 0) === 0 ? 0 : 1];
  if (paddedPlaces(a).includes(summed[0]!) || paddedPlaces(b).includes(summed[1]!)) return "it sums over a padded axis";
  return elementwise({ ...axes, inputs: [c] });
}

/** Every label of a padded axis is in the result: nothing is summed over it. */
function einsum({ operator, inputs }: OperatorAxes): string | undefined {
  const equation = String(operator.attributes["equation"] ?? "").replaceAll(" ", "");
  const [left = "", right] = equation.split("->");
  if (right === undefined || equation.includes("...")) return "its equation does not name every axis";
  const summed = left.split(",").some((labels, place) => paddedPlaces(inputs[place]).some((axis) => !right.includes(labels[axis] ?? "?")));
  return summed ? "it sums over a padded axis" : undefined;
}

/** Rows stay where they are where all axes up to the last padded one are the same before and after. */
function reshape({ inputs: [from], outputs: [to], stored }: OperatorAxes): string | undefined {
  if (!stored[1]) return "the shape it gives is known only at run time";
  const last = Math.max(-1, ...paddedPlaces(from), ...paddedPlaces(to));
  for (let place = 0; place <= last; place++) if (!isSameAxis(from?.[place], to?.[place])) return "it moves elements across a padded axis";
  return undefined;
}

function sameButOnes({ inputs: [from], outputs: [to] }: OperatorAxes): string | undefined {
  const core = (axes: Axes): readonly unknown[] => (axes ?? []).filter((axis) => axis !== 1);
  return JSON.stringify(core(from)) === JSON.stringify(core(to)) ? undefined : "it moves elements across a padded axis";
}

function gather(axes: OperatorAxes): string | undefined {
  const [data] = axes.inputs;
  const axis = placeOf(attribute(axes, "axis", 0), data?.length ?? 0);
  return paddedPlaces(data).includes(axis) ? "it looks up along a padded axis" : undefined;
}

/** Sequences of a batch alone: padded steps would reach the last state. */
function recurrence(axes: OperatorAxes): string | undefined {
  const batch = attribute(axes, "layout", 0) === 0 ? 1 : 0;
  for (const [place, input] of axes.inputs.entries()) {
    const allowed = place === 4 ? 0 : batch;
    if (paddedPlaces(input).some((axis) => axis !== allowed)) return "padded steps would reach its last state";
  }
  return undefined;
}

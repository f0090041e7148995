import { factOf } from "../fact.ts";
import { axisOf, type Call, integer, type Rule } from "../rule.ts";
import { ONE } from "../size-arithmetic.ts";
import { typeOf } from "./elementwise.ts";

/** Output, mean and inverse deviation over the axes from `axis` on. Source: ONNX operator spec, LayerNormalization. */
export const layerNorm: Rule = (call) => {
  const [x] = call.inputs;
  return [factOf(typeOf([x]), x?.shape), statistics(call), statistics(call)];
};

function statistics(call: Call) {
  const shape = call.inputs[0]?.shape;
  const axis = shape && axisOf(integer(call, "axis", -1), shape.length);
  return factOf("f32", axis === undefined ? undefined : shape!.map((size, each) => (each < axis ? size : ONE)));
}

/** Output, mean, inverse deviation and the sum x + skip. Source: ONNX Runtime contrib operators, SkipLayerNormalization and its simplified form. */
export const skipLayerNorm: Rule = ({ inputs: [x] }) => {
  const means = factOf(
    "f32",
    x?.shape?.map((size, axis) => (axis === x.shape!.length - 1 ? ONE : size)),
  );
  const like = factOf(typeOf([x]), x?.shape);
  return [like, means, means, like];
};

/** Output; in training also running statistics like the fourth input. Source: ONNX operator spec, BatchNormalization. */
export const batchNorm: Rule = ({ inputs: [x, , , mean, variance] }) => [
  factOf(typeOf([x]), x?.shape),
  factOf(typeOf([mean]), mean?.shape),
  factOf(typeOf([variance]), variance?.shape),
];

/** Embedded tokens [B, S, H], mask lengths [B], their sum. Source: ONNX Runtime contrib operators, EmbedLayerNormalization. */
export const embedLayerNorm: Rule = ({ inputs: [ids, , words] }) => {
  const width = words?.shape?.at(-1);
  const embedded = factOf(typeOf([words]), ids?.shape && width && [...ids.shape, width]);
  return [embedded, factOf("i32", ids?.shape?.slice(0, 1)), embedded];
};

/** [S, B, H] as the first input, with the mask where dropout is written out. Source: ONNX operator spec, Dropout. */
export const dropout: Rule = ({ inputs: [x], opset }) => [x, factOf(opset >= 10 ? "bool" : typeOf([x]), x?.shape)];

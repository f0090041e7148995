import { broadcast } from "../broadcast.ts";
import { typeOfNumber } from "../element-types.ts";
import { factOf } from "../fact.ts";
import { integer, type Rule } from "../rule.ts";
import { typeOf } from "./elementwise.ts";

/** The zero point tells the type; without one it is `output_dtype` or u8. Source: ONNX operator spec, QuantizeLinear. */
export const quantise: Rule = (call) => {
  const [x, , zero] = call.inputs;
  const asked = typeOfNumber(integer(call, "output_dtype", 0));
  return [factOf(zero?.type ?? (asked === "unknown" ? "u8" : asked), x?.shape)];
};

/** The scale tells the type. Source: ONNX operator spec, DequantizeLinear. */
export const dequantise: Rule = ({ inputs: [x, scale] }) => [factOf(typeOf([scale]), x?.shape)];

/** Numbers, scale, zero point. Source: ONNX operator spec, DynamicQuantizeLinear. */
export const dynamicQuantise: Rule = ({ inputs: [x] }) => [factOf("u8", x?.shape), factOf("f32", []), factOf("u8", [])];

/** a, its scale and zero point, then b and its own. Source: ONNX Runtime contrib operators, QLinearAdd and QLinearMul. */
export const quantisedArithmetic: Rule = ({ inputs }) => {
  const [a, b] = [inputs[0], inputs[3]];
  return [factOf(typeOf([a]), a?.shape && b?.shape && broadcast([a.shape, b.shape]))];
};

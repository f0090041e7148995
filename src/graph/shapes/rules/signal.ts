import { add, constant, constantOf, floorDivide, subtract } from "../../ir/expression.ts";
import { typeOfNumber } from "../element-types.ts";
import { factOf } from "../fact.ts";
import { axisOf, integer, type Rule } from "../rule.ts";
import { typeOf } from "./elementwise.ts";

/** [B, frames, bins, 2]. Source: ONNX operator spec, STFT. */
export const shortFourier: Rule = (call) => {
  const [signal, step, window, frame] = call.inputs;
  const length = frame?.value?.[0] ?? window?.shape?.[0];
  const stride = step?.value?.[0];
  if (signal?.shape === undefined || signal.shape.length < 2 || length === undefined || stride === undefined)
    return [factOf(typeOf([signal]), undefined)];
  const bins = integer(call, "onesided", 1) === 0 ? length : add(floorDivide(length, constant(2)), constant(1));
  const frames = add(floorDivide(subtract(signal.shape[1]!, length), stride), constant(1));
  return [factOf(signal.type, [signal.shape[0]!, frames, bins, constant(2)])];
};

/** Source: ONNX operator spec, DFT: the last axis holds real and imaginary parts. */
export const fourier: Rule = (call) => {
  const [x, length, axisInput] = call.inputs;
  if (x?.shape === undefined) return [factOf(typeOf([x]), undefined)];
  const given = axisInput?.value?.[0] && constantOf(axisInput.value[0]);
  const axis = axisOf(given ?? integer(call, "axis", call.opset >= 20 ? -2 : 1), x.shape.length);
  if (axis === undefined) return [factOf(x.type, undefined)];
  const size = length === undefined ? x.shape[axis]! : (length.value?.[0] ?? call.fresh("length"));
  const half = integer(call, "onesided", 0) !== 0 ? add(floorDivide(size, constant(2)), constant(1)) : size;
  const shape = x.shape.map((each, at) => (at === axis ? half : each));
  return [factOf(x.type, [...shape.slice(0, -1), constant(2)])];
};

/** A window of so many samples. Source: ONNX operator spec, HannWindow, HammingWindow, BlackmanWindow. */
export const windowFunction: Rule = (call) => [
  factOf(typeOfNumber(integer(call, "output_datatype", 1)), [call.inputs[0]?.value?.[0] ?? call.fresh("window")]),
];

/** [bins of the spectrum, mel bins]. Source: ONNX operator spec, MelWeightMatrix. */
export const melWeights: Rule = (call) => {
  const [mels, length] = call.inputs.map((input) => input?.value?.[0]);
  const bins = length && add(floorDivide(length, constant(2)), constant(1));
  return [factOf(typeOfNumber(integer(call, "output_datatype", 1)), [bins ?? call.fresh("bins"), mels ?? call.fresh("mels")])];
};

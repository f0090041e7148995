import { factOf } from "../fact.ts";
import { integer, integers, type Rule } from "../rule.ts";
import { ONE } from "../size-arithmetic.ts";
import { typeOf } from "./elementwise.ts";
import { slide, windowOf } from "./windows.ts";

/** Source: ONNX operator spec, MaxPool (its second output holds places), AveragePool, LpPool. */
export const pool: Rule = (call) => {
  const [x] = call.inputs;
  const kernel = integers(call, "kernel_shape");
  const window = kernel && windowOf(call, kernel);
  if (x?.shape === undefined || window === undefined || x.shape.length !== window.kernel.length + 2)
    return [factOf(typeOf([x]), undefined)];
  const ceil = integer(call, "ceil_mode", 0) !== 0;
  const shape = [...x.shape.slice(0, 2), ...x.shape.slice(2).map((size, axis) => slide(size, window, axis, ceil))];
  return [factOf(x.type, shape), factOf("i64", shape)];
};

/** [N, C, spatial...] → [N, C, 1...]. Source: ONNX operator spec, GlobalAveragePool and its kin. */
export const globalPool: Rule = ({ inputs: [x] }) => [
  factOf(
    typeOf([x]),
    x?.shape?.map((size, axis) => (axis < 2 ? size : ONE)),
  ),
];

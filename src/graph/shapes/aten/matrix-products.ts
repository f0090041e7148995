import { factOf } from "../fact.ts";
import { einsum as onnxEinsum } from "../rules/einsum.ts";
import { productShape } from "../rules/matrix-products.ts";
import { type AtenCall, type AtenRule, commonType, type RuleTable, type Shape } from "./call.ts";

function shapeOf(call: AtenCall, name: string, rank?: number): Shape | undefined {
  const shape = call.fact(name)?.shape;
  if (shape !== undefined && rank !== undefined && shape.length !== rank) call.fail(`${name} has ${shape.length} dimensions, not ${rank}`);
  return shape;
}

/** Product of matrices of a fixed rank. Shapes: [..., M, K] × [..., K, N] → [..., M, N]. */
function product(left: string, right: string, rank: number): AtenRule {
  return (call) => {
    const [a, b] = [shapeOf(call, left, rank), shapeOf(call, right, rank)];
    call.same(a?.at(-1), b?.at(-2), "inner sizes");
    if (rank === 3) call.same(a?.[0], b?.[0], "batches");
    const type = call.dataType("out_dtype") ?? commonType([call.fact(left), call.fact(right)]);
    return [factOf(type, a && b && [...a.slice(0, -1), b.at(-1)!])];
  };
}

const matmul: AtenRule = (call) => {
  const [a, b] = [shapeOf(call, "self"), shapeOf(call, "other")];
  if (a !== undefined && b !== undefined) call.same(a.at(-1), b.length > 1 ? b.at(-2) : b[0], "inner sizes");
  return [factOf(commonType([call.fact("self"), call.fact("other")]), productShape(a, b))];
};

/** Shapes: [..., K] × [N, K] → [..., N]. */
const linear: AtenRule = (call) => {
  const [x, weight] = [shapeOf(call, "input"), shapeOf(call, "weight")];
  if (weight !== undefined && weight.length !== 2 && weight.length !== 1) call.fail(`weights have ${weight.length} dimensions`);
  call.same(x?.at(-1), weight?.at(-1), "inner sizes");
  return [factOf(commonType([call.fact("input"), call.fact("weight")]), x && weight && [...x.slice(0, -1), ...weight.slice(0, -1)])];
};

const vectorProduct: AtenRule = (call) => {
  const [matrix, vector] = call.type === "addmv" ? (["mat", "vec"] as const) : (["self", "vec"] as const);
  const [a, b] = [shapeOf(call, matrix, 2), shapeOf(call, vector, 1)];
  call.same(a?.[1], b?.[0], "inner sizes");
  return [factOf(commonType([call.fact(matrix), call.fact(vector)]), a && [a[0]!])];
};

const dot: AtenRule = (call) => {
  call.same(shapeOf(call, "self", 1)?.[0], shapeOf(call, call.has("tensor") ? "tensor" : "other", 1)?.[0], "lengths");
  return [factOf(call.first?.type ?? "unknown", [])];
};

const outer: AtenRule = (call) => {
  const [a, b] = [shapeOf(call, "self", 1), shapeOf(call, "vec2", 1)];
  return [factOf(commonType([call.fact("self"), call.fact("vec2")]), a && b && [a[0]!, b[0]!])];
};

const einsum: AtenRule = (call) => {
  const inputs = call.facts("tensors");
  const equation = call.text("equation") ?? "";
  // The shape rule is that of ONNX's operator, which took over numpy's notation as PyTorch did.
  const [result] = onnxEinsum({
    type: "Einsum",
    inputs,
    attributes: { equation },
    outputs: 1,
    opset: 12,
    fresh: call.fresh,
    tensor: () => undefined,
    bodyInputs: () => 0,
    body: () => [],
  });
  return [result && factOf(commonType(inputs), result.shape)];
};

export const MATRIX_PRODUCTS: RuleTable = {
  mm: product("self", "mat2", 2),
  _int_mm: (call) => product("self", "mat2", 2)(call).map((fact) => fact && { ...fact, type: "i32" }),
  addmm: product("mat1", "mat2", 2),
  bmm: product("self", "mat2", 3),
  baddbmm: product("batch1", "batch2", 3),
  matmul,
  linear,
  mv: vectorProduct,
  addmv: vectorProduct,
  dot,
  vdot: dot,
  outer,
  einsum,
};

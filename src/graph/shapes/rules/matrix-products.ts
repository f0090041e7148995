import { constant, constantOf, type Expression } from "../../ir/expression.ts";
import type { DataType } from "../../ir/graph.ts";
import { broadcast } from "../broadcast.ts";
import { type Fact, factOf } from "../fact.ts";
import { type Call, integer, type Rule } from "../rule.ts";
import { typeOf } from "./elementwise.ts";

type Shape = readonly Expression[];

/** numpy's matmul. Shapes: [..., M, K] × [..., K, N] → [..., M, N]; a vector loses its axis. Source: ONNX operator spec, MatMul. */
export function productShape(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (a === undefined || b === undefined || a.length === 0 || b.length === 0) return undefined;
  if (differ(a.at(-1)!, b.length > 1 ? b.at(-2)! : b[0]!)) return undefined;
  const batch = broadcast([a.slice(0, -2), b.slice(0, -2)]);
  if (batch === undefined) return undefined;
  return [...batch, ...(a.length > 1 ? [a.at(-2)!] : []), ...(b.length > 1 ? [b.at(-1)!] : [])];
}

/** A product of the inputs at two places; its element type is that of the input at `typeFrom`, or a fixed one. */
export function productOfInputs(places: readonly [number, number], type: DataType | { readonly input: number }): Rule {
  return ({ inputs }) => {
    const [a, b] = [inputs[places[0]], inputs[places[1]]];
    return [factOf(typeof type === "string" ? type : typeOf([inputs[type.input]]), productShape(a?.shape, b?.shape))];
  };
}

/** Source: ONNX operator spec, Gemm. Also the quantised QGemm, whose second matrix stands elsewhere. */
export function gemm(second: number): Rule {
  return (call) => {
    const a = turned(call.inputs[0]?.shape, integer(call, "transA", 0) !== 0);
    const b = turned(call.inputs[second]?.shape, integer(call, "transB", 0) !== 0);
    const scaled = call.type === "QGemm" && call.inputs[7] === undefined;
    return [factOf(scaled ? "f32" : typeOf([call.inputs[0]]), a && b && !differ(a[1]!, b[0]!) ? [a[0]!, b[1]!] : undefined)];
  };
}

/** Sizes that no run makes equal. */
function differ(a: Expression, b: Expression): boolean {
  const [left, right] = [constantOf(a), constantOf(b)];
  return left !== undefined && right !== undefined && left !== right;
}

function turned(shape: Shape | undefined, turn: boolean): Shape | undefined {
  if (shape?.length !== 2) return undefined;
  return turn ? [shape[1]!, shape[0]!] : shape;
}

/** Source: ONNX Runtime contrib operators, FusedMatMul: transA and transBatchA as in numpy's matmul of turned operands. */
export const fusedMatMul: Rule = (call) => {
  const side = (input: Fact | undefined, name: string): Shape | undefined => {
    const shape = input?.shape;
    if (shape === undefined || shape.length < 2) return shape;
    const batchTurned = integer(call, `transBatch${name}`, 0) !== 0 ? [...shape.slice(1, -1), shape[0]!, shape.at(-1)!] : shape;
    if (integer(call, `trans${name}`, 0) === 0) return batchTurned;
    return [...batchTurned.slice(0, -2), batchTurned.at(-1)!, batchTurned.at(-2)!];
  };
  return [factOf(typeOf([call.inputs[0]]), productShape(side(call.inputs[0], "A"), side(call.inputs[1], "B")))];
};

/** x [..., K] times packed [N, K]. Source: ONNX Runtime contrib operators, MatMulNBits and MatMulBnb4. */
export const packedProduct: Rule = (call) => {
  const [x] = call.inputs;
  const columns = columnsOf(call);
  return [factOf(typeOf([x]), x?.shape && columns && [...x.shape.slice(0, -1), columns])];
};

function columnsOf(call: Call): Expression | undefined {
  const columns = integer(call, "N", 0);
  return columns > 0 ? constant(columns) : undefined;
}

/** Small graphs whose answers can be worked out apart from any runtime, for the suite of device drivers. */
import { create, toBinary } from "@bufbuild/protobuf";
import { bytesOf } from "../../src/base/bytes.ts";
import { seededPrng } from "../../src/base/prng.ts";
import type { HostTensor, TensorType } from "../../src/execute/device/tensor.ts";
import { elementsIn, elementsOf } from "../../src/execute/device/tensor-arrays.ts";
import { ELEMENT_BYTES } from "../../src/graph/ir/graph.ts";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProtoSchema,
  TensorProto_DataType as Type,
} from "../../src/graph/onnx/generated/onnx_pb.ts";
import { onnxProgram } from "../../src/graph/program/onnx-program.ts";
import type { Program, StageModel } from "../../src/graph/program/program.ts";
import { numberOfType } from "../../src/graph/shapes/element-types.ts";
import { controlModel, info, node } from "./tiny-onnx.ts";

/** A stage, what it is given and what it gives. */
export interface StageSample {
  readonly name: string;
  readonly stage: StageModel;
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** Undefined where only a runtime could tell: then the run must work and repeat. */
  readonly expected?: Readonly<Record<string, HostTensor>>;
}

export function programOfGraph(graph: Parameters<typeof create<typeof GraphProtoSchema>>[1]): Program {
  const opsetImport = [
    { domain: "", version: 17n },
    { domain: "com.example", version: 1n },
  ];
  const proto = create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph: create(GraphProtoSchema, graph) as GraphProto });
  return onnxProgram(bytesOf(toBinary(ModelProtoSchema, proto)));
}

export function wholeStage(program: Program): StageModel {
  return program.stage(program.graph.operators.map((_, id) => id));
}

/** Numbers as a tensor of a type; halves by their bits. */
export function tensorOf(type: TensorType, dims: readonly number[], numbers: readonly number[]): HostTensor {
  const data = elementsIn(type, new Uint8Array(elementsOf(dims) * ELEMENT_BYTES[type]));
  numbers.forEach((value, at) => {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[at] = BigInt(value);
    else data[at] = value;
  });
  return { type, dims, data };
}

/** 1, 2, 3 … in halves: their bits. */
const HALVES = [0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600];

/** Small values of any type, and twice as much. */
export function valuesOf(type: TensorType): { readonly once: HostTensor; readonly twice: HostTensor | undefined } {
  const dims = [2, 3];
  if (type === "bool") return { once: tensorOf(type, dims, [1, 0, 1, 1, 0, 0]), twice: undefined };
  if (type === "f16")
    return {
      once: tensorOf(type, dims, HALVES),
      twice: tensorOf(
        type,
        dims,
        HALVES.map((bits) => bits + 0x400),
      ),
    };
  if (type === "bf16") return { once: tensorOf(type, dims, [0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0]), twice: undefined };
  return { once: tensorOf(type, dims, [1, 2, 3, 4, 5, 6]), twice: tensorOf(type, dims, [2, 4, 6, 8, 10, 12]) };
}

export const AFFINE = { inner: 48, outer: 24 };

/** relu(x · w + b) with rows of any number; the weights are more than any runtime keeps inside the protobuf. */
export function affineProgram(values: (count: number) => readonly number[]): Program {
  const weights = tensorOf("f32", [AFFINE.inner, AFFINE.outer], values(AFFINE.inner * AFFINE.outer));
  const offsets = tensorOf("f32", [AFFINE.outer], values(AFFINE.outer));
  const raw = ({ data }: HostTensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const stored = (name: string, tensor: HostTensor) =>
    create(TensorProtoSchema, { name, dataType: Type.FLOAT, dims: tensor.dims.map(BigInt), rawData: raw(tensor) });
  return programOfGraph({
    name: "affine",
    input: [info("x", Type.FLOAT, ["rows", AFFINE.inner])],
    initializer: [stored("w", weights), stored("b", offsets)],
    node: [node("MatMul", ["x", "w"], ["product"]), node("Add", ["product", "b"], ["sum"]), node("Relu", ["sum"], ["y"])],
    output: [info("y", Type.FLOAT, ["rows", AFFINE.outer])],
  });
}

/** What `affineProgram` gives, in f64. */
export function affineAnswer(values: (count: number) => readonly number[], x: HostTensor): Float64Array {
  const { inner, outer } = AFFINE;
  const [w, b] = [Float32Array.from(values(inner * outer)), Float32Array.from(values(outer))];
  const rows = x.dims[0]!;
  return Float64Array.from({ length: rows * outer }, (_, at) => {
    const [row, column] = [Math.floor(at / outer), at % outer];
    let sum = b[column]!;
    for (let i = 0; i < inner; i++) sum += Number(x.data[row * inner + i]!) * w[i * outer + column]!;
    return Math.max(0, sum);
  });
}

/** Whole numbers small enough that sums of products are exact in any order, -4 to 4. */
export function wholeNumbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => ((i * 7) % 9) - 4);
}

export function drawn(seed: number): (count: number) => number[] {
  return (count) => {
    const random = seededPrng(seed);
    return Array.from({ length: count }, () => random.nextFloat() - 0.5);
  };
}

/** The stage that a device is tried with where it brings none of its own. */
export function affineSample(rows = 3): StageSample {
  const x = tensorOf("f32", [rows, AFFINE.inner], wholeNumbers(rows * AFFINE.inner));
  const answer = [...affineAnswer(wholeNumbers, x)];
  return {
    name: "affine",
    stage: wholeStage(affineProgram(wholeNumbers)),
    inputs: { x },
    expected: { y: tensorOf("f32", [rows, AFFINE.outer], answer) },
  };
}

/** An operator on tensors of a type. */
export function typedProgram(operator: "Identity" | "Add", type: TensorType): Program {
  const input = operator === "Add" ? ["x", "x"] : ["x"];
  return programOfGraph({
    name: `${operator} ${type}`,
    input: [info("x", numberOfType(type) as Type, ["rows", "columns"])],
    node: [node(operator, input, ["y"])],
    output: [info("y", numberOfType(type) as Type, ["rows", "columns"])],
  });
}

/** Small graphs with exact answers: a table look-up, a join, a choice and a loop, sums over an axis, three operators in a row. */
export function knownSamples(): StageSample[] {
  const table = programOfGraph({
    name: "look-up",
    input: [info("table", Type.FLOAT, ["entries", 2]), info("ids", Type.INT32, ["count"])],
    node: [node("Gather", ["table", "ids"], ["y"], { axis: 0 })],
    output: [info("y", Type.FLOAT)],
  });
  const join = programOfGraph({
    name: "join",
    input: [info("a", Type.FLOAT, ["n", 2]), info("b", Type.FLOAT, ["m", 2])],
    node: [node("Concat", ["a", "b"], ["y"], { axis: 0 }), node("Transpose", ["y"], ["z"])],
    output: [info("y", Type.FLOAT), info("z", Type.FLOAT)],
  });
  const sums = programOfGraph({
    name: "sums",
    input: [info("x", Type.FLOAT, ["n", "m"])],
    node: [node("ReduceMax", ["x"], ["most"], { keepdims: 1 }), node("Sub", ["x", "most"], ["below"]), node("Abs", ["below"], ["y"])],
    output: [info("y", Type.FLOAT)],
  });
  const six = tensorOf("f32", [3, 2], [1, 2, 3, 4, 5, 6]);
  const control = onnxProgram(bytesOf(controlModel()));
  const x = tensorOf("f32", [1, 4], [1, 2, 3, 4]);
  return [
    affineSample(),
    {
      name: "look-up",
      stage: wholeStage(table),
      inputs: { table: six, ids: tensorOf("i32", [2], [2, 0]) },
      expected: { y: tensorOf("f32", [2, 2], [5, 6, 1, 2]) },
    },
    {
      name: "join",
      stage: wholeStage(join),
      inputs: { a: tensorOf("f32", [1, 2], [1, 2]), b: tensorOf("f32", [2, 2], [3, 4, 5, 6]) },
      expected: { y: six, z: tensorOf("f32", [2, 3], [1, 3, 5, 2, 4, 6]) },
    },
    { name: "sums", stage: wholeStage(sums), inputs: { x: six }, expected: { y: tensorOf("f32", [3, 2], [5, 4, 3, 2, 1, 0]) } },
    {
      name: "choice and loop",
      stage: wholeStage(control),
      inputs: { x, which: tensorOf("bool", [], [1]), turns: tensorOf("i64", [], [2]) },
      expected: { last: tensorOf("f32", [1, 4], [4, 8, 12, 16]), rows: tensorOf("f32", [2, 1, 4], [3, 6, 9, 12, 4, 8, 12, 16]) },
    },
  ];
}

/** Operators no device has, or on tensors none can be handed. */
export function strangePrograms(): Program[] {
  return [
    programOfGraph({
      name: "wavelet",
      input: [info("x", Type.FLOAT, ["n"])],
      node: [Object.assign(node("Wavelet", ["x"], ["y"]), { domain: "com.example" })],
      output: [info("y", Type.FLOAT, ["n"])],
    }),
    programOfGraph({
      name: "texts",
      input: [info("x", Type.STRING, ["n"])],
      node: [node("Identity", ["x"], ["y"])],
      output: [info("y", Type.STRING, ["n"])],
    }),
  ];
}

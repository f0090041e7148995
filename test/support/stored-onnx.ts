/** A small ONNX model whose stored tensors lie in all the ways a file can hold them. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorProto_DataType as Type,
} from "../../src/graph/onnx/generated/onnx_pb.ts";
import { info, node } from "./tiny-onnx.ts";

const WIDTH = 32;
const values = (seed: number): Float32Array => Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => ((i * seed) % 17) / 64 - 0.125);
const raw = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function square(name: string, rest: Partial<TensorProto>): TensorProto {
  return create(TensorProtoSchema, { name, dataType: Type.FLOAT, dims: [BigInt(WIDTH), BigInt(WIDTH)], ...rest } as TensorProto);
}

function constantNode(name: string, attribute: { name: string; type: Kind } & Record<string, unknown>) {
  const made = node("Constant", [], [name]);
  made.attribute.push(create(AttributeProtoSchema, attribute as never));
  return made;
}

/** `weights.bin`: two tensors one after the other. */
export const STORED_FILES: Readonly<Record<string, Uint8Array>> = { "weights.bin": Buffer.concat([raw(values(3)), raw(values(5))]) };

/** Inputs `x` [rows, 32] f32 and `which` bool; output `y` like x, and a count of texts. */
export function storedModel(): Uint8Array {
  const outside = (name: string, entries: Record<string, string>): TensorProto =>
    square(name, { dataLocation: 1, externalData: Object.entries(entries).map(([key, value]) => ({ key, value })) } as never);
  const branch = (out: string, seed: number, operator: string): GraphProto =>
    create(GraphProtoSchema, {
      name: out,
      initializer: [square("own", { rawData: raw(values(seed)) })],
      node: [node("MatMul", ["sum", "own"], [`${out}_product`]), node(operator, [`${out}_product`, "shared"], [out])],
      output: [info(out, Type.FLOAT)],
    });
  const graph = create(GraphProtoSchema, {
    name: "stored",
    input: [info("x", Type.FLOAT, ["rows", WIDTH]), info("which", Type.BOOL, [])],
    initializer: [
      square("inside", { rawData: raw(values(2)) }),
      square("listed", { floatData: [...values(7)] }),
      outside("first", { location: "weights.bin", offset: "0", length: String(4 * WIDTH * WIDTH) }),
      outside("second", { location: "weights.bin", offset: String(4 * WIDTH * WIDTH) }),
      create(TensorProtoSchema, {
        name: "shared",
        dataType: Type.FLOAT16,
        dims: [BigInt(WIDTH)],
        int32Data: Array.from({ length: WIDTH }, (_, i) => 0x3c00 + i),
      }),
      create(TensorProtoSchema, {
        name: "texts",
        dataType: Type.STRING,
        dims: [600n],
        stringData: Array.from({ length: 600 }, (_, i) => new TextEncoder().encode(`text ${i}`)),
      }),
    ],
    node: [
      constantNode("large", { name: "value", type: Kind.TENSOR, t: square("", { rawData: raw(values(11)) }) }),
      constantNode("half", { name: "value_float", type: Kind.FLOAT, f: 0.5 }),
      constantNode("axes", { name: "value_ints", type: Kind.INTS, ints: [0n] }),
      ...["inside", "listed", "first", "second", "large"].map((weight, at) =>
        node("MatMul", [at === 0 ? "x" : `p${at - 1}`, weight], [`p${at}`]),
      ),
      node("Mul", ["p4", "half"], ["scaled"]),
      node("Cast", ["shared"], ["shared_wide"], { to: Type.FLOAT }),
      node("Add", ["scaled", "shared_wide"], ["sum"]),
      renamedBranches(
        node("If", ["which"], ["chosen"], { then_branch: branch("then_sum", 13, "Add"), else_branch: branch("else_product", 19, "Mul") }),
      ),
      node("ReduceSum", ["chosen", "axes"], ["total"]),
      node("Add", ["chosen", "total"], ["y"]),
      node("Identity", ["texts"], ["texts_again"]),
      node("Size", ["texts_again"], ["count"]),
    ],
    output: [info("y", Type.FLOAT, ["rows", WIDTH]), info("count", Type.INT64, [])],
  });
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: "", version: 17n }], graph }));
}

/** Bodies read the wide form of the shared tensor, which an operator makes. */
function renamedBranches(choice: ReturnType<typeof node>): ReturnType<typeof node> {
  for (const { g } of choice.attribute)
    for (const each of g?.node ?? []) each.input = each.input.map((name) => (name === "shared" ? "shared_wide" : name));
  return create(NodeProtoSchema, choice);
}

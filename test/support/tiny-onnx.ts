/** Small ONNX models with what readers meet: shape arithmetic, states, bodies, functions, weights inside and outside. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { bytesOfArray, createOnnxBuilder } from "../../src/graph/onnx/builder.ts";
import {
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as Type,
  ValueInfoProtoSchema,
} from "../../src/graph/onnx/generated/onnx_pb.ts";

type Dim = number | string;

export function info(name: string, elemType: Type, dims?: readonly Dim[]) {
  const dim = dims?.map((size) =>
    typeof size === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(size) } }
      : { value: { case: "dimParam" as const, value: size } },
  );
  const tensorType = dim === undefined ? { elemType } : { elemType, shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: tensorType } } });
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, number | GraphProto>> = {},
) {
  const attribute = Object.entries(attributes).map(([name, value]) =>
    typeof value === "number"
      ? create(AttributeProtoSchema, { name, type: Kind.INT, i: BigInt(value) })
      : create(AttributeProtoSchema, { name, type: Kind.GRAPH, g: value }),
  );
  return create(NodeProtoSchema, { opType, name: `/made/${output[0]}`, input: [...input], output: [...output], attribute });
}

/** A choice whose condition is an input, and a loop that makes a row a turn. */
export function controlModel(): Uint8Array {
  const branch = (operator: string, out: string): GraphProto =>
    create(GraphProtoSchema, { name: out, node: [node(operator, ["x", "x"], [out])], output: [info(out, Type.FLOAT)] });
  const body = create(GraphProtoSchema, {
    name: "body",
    input: [info("turn", Type.INT64, []), info("go", Type.BOOL, []), info("sum", Type.FLOAT, ["b", 4])],
    node: [node("Identity", ["go"], ["go_on"]), node("Add", ["sum", "x"], ["more"]), node("Identity", ["more"], ["row"])],
    output: [info("go_on", Type.BOOL), info("more", Type.FLOAT), info("row", Type.FLOAT)],
  });
  return modelOf({
    name: "control",
    input: [info("x", Type.FLOAT, ["batch", 4]), info("which", Type.BOOL, []), info("turns", Type.INT64, [])],
    node: [
      node("If", ["which"], ["chosen"], { then_branch: branch("Add", "sum_of"), else_branch: branch("Mul", "product_of") }),
      node("Loop", ["turns", "which", "chosen"], ["last", "rows"], { body }),
    ],
    output: [info("last", Type.FLOAT), info("rows", Type.FLOAT)],
  });
}

/** A key cache that a run makes longer, named as exporters do. */
export function cacheModel(): Uint8Array {
  return modelOf({
    name: "cache",
    input: [
      info("x", Type.FLOAT, ["batch_size", 2, "sequence_length", 8]),
      info("past_key_values.0.key", Type.FLOAT, ["batch_size", 2, "past_sequence_length", 8]),
    ],
    node: [
      node("Concat", ["past_key_values.0.key", "x"], ["present.0.key"], { axis: 2 }),
      node("Shape", ["present.0.key"], ["sizes"]),
      node("Transpose", ["present.0.key"], ["turned"]),
      node("Reshape", ["turned", "sizes"], ["y"]),
    ],
    output: [info("y", Type.FLOAT), info("present.0.key", Type.FLOAT)],
  });
}

function modelOf(graph: Parameters<typeof create<typeof GraphProtoSchema>>[1], more: { functions?: [] } = {}): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: "", version: 17n }], graph: graph as GraphProto, ...more }),
  );
}

/** A function that hands an attribute on: the call's own, or where it gives none the function's default, 0. */
export function functionModel(own = true): Uint8Array {
  const call = create(NodeProtoSchema, { opType: "Twice", domain: "own", name: "call", input: ["x"], output: ["y"] });
  const axis = (value: bigint) => create(AttributeProtoSchema, { name: "axis", type: Kind.INT, i: value });
  if (own) call.attribute.push(axis(1n));
  const handed = create(NodeProtoSchema, { opType: "Concat", name: "join", input: ["a", "a"], output: ["b"] });
  handed.attribute.push(create(AttributeProtoSchema, { name: "axis", type: Kind.INT, refAttrName: "axis" }));
  const described = create(FunctionProtoSchema, {
    name: "Twice",
    domain: "own",
    input: ["a"],
    output: ["b"],
    attribute: own ? ["axis"] : [],
    node: [handed],
    opsetImport: [{ domain: "", version: 17n }],
  });
  const fallback = toBinary(AttributeProtoSchema, axis(0n));
  if (!own) described.$unknown = [{ no: 11, wireType: 2, data: Uint8Array.of(fallback.length, ...fallback) }];
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 9n,
      opsetImport: [
        { domain: "", version: 17n },
        { domain: "own", version: 1n },
      ],
      functions: [described],
      graph: { name: "calls", input: [info("x", Type.FLOAT, ["batch", "n"])], node: [call], output: [info("y", Type.FLOAT)] },
    }),
  );
}

/** A convolution, an LSTM, a product with weights outside, and reshapes with computed sizes. */
export function mixedModel() {
  const builder = createOnnxBuilder("mixed");
  const floats = (count: number): Uint8Array => bytesOfArray(Float32Array.from({ length: count }, (_, i) => (i % 5) / 8));
  const ints = (values: readonly number[]): Uint8Array => bytesOfArray(BigInt64Array.from(values, BigInt));
  const image = builder.input("image", "float32", ["batch", 3, "height", 16]);
  const kernel = builder.constant("float32", [8, 3, 3, 3], floats(216));
  const seen = builder.node("Conv", [image, kernel], { attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } });
  const shape = builder.node("Shape", [seen]);
  const first = builder.node("Gather", [shape, builder.constant("int64", [1], ints([0]))], { attributes: { axis: 0 } });
  const target = builder.node("Concat", [first, builder.constant("int64", [2], ints([-1, 8]))], { attributes: { axis: 0 } });
  const rows = builder.node("Transpose", [builder.node("Reshape", [seen, target])], { attributes: { perm: [1, 0, 2] } });
  const weights = [builder.constant("float32", [1, 16, 8], floats(128)), builder.constant("float32", [1, 16, 4], floats(64))];
  const [all = "", last = ""] = builder.nodeOutputs("LSTM", [rows, ...weights], { attributes: { hidden_size: 4 }, outputs: 3 });
  const flat = builder.node("Squeeze", [all, builder.constant("int64", [1], ints([1]))]);
  const y = builder.node("MatMul", [flat, builder.weight("w", "float32", [4, 6], floats(24))]);
  const [top = ""] = builder.nodeOutputs("TopK", [y, builder.constant("int64", [1], ints([2]))], { outputs: 2 });
  builder.output(top, "float32", ["rows", "batch", 2]);
  builder.output(last, "float32", [1, "batch", 4]);
  return builder.build();
}

/** Scores of which some are masked with minus infinity and with a huge number, as exported attention does. */
export function maskedModel() {
  const builder = createOnnxBuilder("masked");
  const floats = (values: readonly number[]): Uint8Array => bytesOfArray(Float32Array.from(values));
  const mask = builder.constant("float32", [4], floats([0, Number.NEGATIVE_INFINITY, 0, -1e9]));
  const scores = builder.node("Add", [builder.input("scores", "float32", [3, 4]), mask]);
  const shares = builder.node("Softmax", [scores], { attributes: { axis: -1 } });
  const values = builder.weight("values", "float32", [4, 6], floats(Array.from({ length: 24 }, (_, i) => (i % 7) / 8)));
  builder.output(builder.node("MatMul", [shares, values]), "float32", [3, 6]);
  return builder.build();
}

export function tinyOnnxFiles(): Readonly<Record<string, Uint8Array>> {
  return { control: controlModel(), cache: cacheModel(), functions: functionModel(), mixed: mixedModel().model };
}

/** 4-bit and 8-bit products, attention over a cache, a mixture of experts, a table and a transform, with operators of ONNX Runtime. */
export function quantisedModel(): Uint8Array {
  const builder = createOnnxBuilder("quantised");
  const domain = "com.microsoft";
  const bytes = (type: "uint8" | "int8", dims: readonly number[]): string =>
    builder.constant(type, dims, new Uint8Array(dims.reduce((product, size) => product * size, 1)));
  const floats = (dims: readonly number[]): string =>
    builder.constant("float32", dims, bytesOfArray(new Float32Array(dims.reduce((product, size) => product * size, 1))));
  const ids = builder.input("input_ids", "int64", ["batch_size", "sequence_length"]);
  const cache = ["batch_size", 2, "past_sequence_length", 8];
  const [key, value] = ["key", "value"].map((name) => builder.input(`past_key_values.0.${name}`, "float32", cache));
  const [lengths, total] = [builder.input("lengths", "int32", ["batch_size"]), builder.input("total", "int32", [])];
  const x = builder.node("Gather", [floats([50, 32]), ids]);
  const nBits = (input: string, columns: number): string =>
    builder.node("MatMulNBits", [input, bytes("uint8", [columns, 1, 16]), floats([columns])], {
      domain,
      attributes: { K: 32, N: columns, bits: 4, block_size: 32 },
    });
  const options = { domain, attributes: { num_heads: 4, kv_num_heads: 2 }, outputs: 3 };
  const given = [nBits(x, 64), "", "", key!, value!, lengths, total];
  const [mixed = "", newKey = "", newValue = ""] = builder.nodeOutputs("GroupQueryAttention", given, options);
  const router = builder.node("Reshape", [builder.node("MatMul", [mixed, floats([32, 4])]), ints64(builder, [-1, 4])]);
  const experts = [bytes("uint8", [4, 48, 16]), floats([4, 48]), "", bytes("uint8", [4, 32, 24]), floats([4, 32])];
  const chosen = builder.node("QMoE", [mixed, router, ...experts], { domain, attributes: { k: 2, expert_weight_bits: 4 } });
  const weights = builder.node("DequantizeLinear", [bytes("int8", [32, 6]), floats([6]), bytes("int8", [6])], { attributes: { axis: 1 } });
  const y = builder.node("Einsum", [chosen, weights], { attributes: { equation: "bsi,ij->bsj" } });
  builder.output(y, "float32", ["batch_size", "sequence_length", 6]);
  const present = ["batch_size", 2, "total_sequence_length", 8];
  builder.output(newKey, "float32", present);
  builder.output(newValue, "float32", present);
  return renamed(builder.build().model, { [newKey]: "present.0.key", [newValue]: "present.0.value" });
}

/** A model with other names for some values. */
function renamed(model: Uint8Array, names: Readonly<Record<string, string>>): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, model);
  const changed = (name: string): string => names[name] ?? name;
  for (const each of proto.graph!.node) {
    each.input = each.input.map(changed);
    each.output = each.output.map(changed);
  }
  for (const each of proto.graph!.output) each.name = changed(each.name);
  return toBinary(ModelProtoSchema, proto);
}

function ints64(builder: ReturnType<typeof createOnnxBuilder>, values: readonly number[]): string {
  return builder.constant("int64", [values.length], bytesOfArray(BigInt64Array.from(values, BigInt)));
}

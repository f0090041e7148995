import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { HeddleError } from "../src/base/heddle-error.ts";
import { bytesOfArray, createOnnxBuilder, type Value } from "../src/graph/onnx/builder.ts";
import { type GraphProto, ModelProtoSchema } from "../src/graph/onnx/generated/onnx_pb.ts";
import { inOrder } from "../src/graph/onnx/order-nodes.ts";

export interface AppendStatesOptions {
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
}

/**
 * A decoder whose caches come in and go out whole, `past_key_values.<l>.decoder.key` to `present.…` [1, heads, tokens, headDim], as one that takes rows
 * and gives those to append: `k.<l>` [P, heads · headDim] and `k.<l>.rows` [T, heads · headDim].
 */
export function withAppendedStates(model: Uint8Array, options: AppendStatesOptions): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, model);
  const graph = proto.graph!;
  const { heads, headDim } = options;
  const builder = createOnnxBuilder("states");
  const shape = (sizes: readonly number[]): Value =>
    builder.constant("int64", [sizes.length], bytesOfArray(BigInt64Array.from(sizes, (size) => BigInt(size))));
  const swapped = (value: Value): Value => builder.node("Transpose", [value], { attributes: { perm: [0, 2, 1, 3] } });
  const whole = new Map<string, Value>();
  const rows = new Map<Value, string>();
  for (let layer = 0; layer < options.layers; layer++) {
    for (const [kind, name] of [
      ["k", "key"],
      ["v", "value"],
    ] as const) {
      const state = builder.input(`${kind}.${layer}`, "float32", ["P", heads * headDim]);
      whole.set(`past_key_values.${layer}.decoder.${name}`, swapped(builder.node("Reshape", [state, shape([1, -1, heads, headDim])])));
      const added = builder.node("Reshape", [swapped(addedTo(graph, `${layer}.decoder.${name}`)), shape([-1, heads * headDim])]);
      builder.output(added, "float32", ["T", heads * headDim]);
      rows.set(added, `${kind}.${layer}.rows`);
    }
  }
  const states = fromBinary(ModelProtoSchema, builder.build().model).graph!;
  for (const node of graph.node) node.input = node.input.map((name) => whole.get(name) ?? name);
  for (const node of states.node) node.output = node.output.map((name) => rows.get(name) ?? name);
  for (const output of states.output) output.name = rows.get(output.name)!;
  graph.node = [...inOrder([...states.node, ...graph.node])];
  graph.initializer = [...graph.initializer, ...states.initializer];
  graph.input = [...graph.input.filter(({ name }) => !whole.has(name)), ...states.input];
  graph.output = [...graph.output.filter(({ name }) => !name.startsWith("present.")), ...states.output];
  return toBinary(ModelProtoSchema, proto);
}

/** What a cache's new rows are: the second part of the Concat that makes it. */
function addedTo(graph: GraphProto, name: string): Value {
  const maker = graph.node.find(({ output }) => output[0] === `present.${name}`);
  if (maker?.opType !== "Concat" || maker.input.length !== 2)
    throw new HeddleError("onnx-invalid", { detail: `no Concat makes present.${name}` });
  return maker.input[1]!;
}

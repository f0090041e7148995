import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { HeddleError } from "../src/base/heddle-error.ts";
import { bytesOfArray, createOnnxBuilder, type OnnxBuilder, type Value } from "../src/graph/onnx/builder.ts";
import { type GraphProto, type ModelProto, ModelProtoSchema } from "../src/graph/onnx/generated/onnx_pb.ts";
import { applyEdit, readersOf } from "./onnx-edit.ts";
import { branchOf } from "./onnx-from-ort.ts";

/** Source: shapes of the decoder's caches. */
const LAYERS = 6;
const HEADS = 8;
const HEAD_DIM = 36;

/** Moonshine's encoder for one recording without padding: its mask is made inside. */
export function moonshineEncoder(model: ModelProto): Uint8Array {
  return edited(model, "encoder", (builder, graph) => ({
    replaced: new Map([fullMask(builder, graph, { mask: "attention_mask", like: "input_values" })]),
    outputs: new Map(),
    keep: () => true,
  }));
}

/** The part of the decoder that looks at what was heard alone: keys and values of every layer. */
export function moonshineBridge(model: ModelProto): Uint8Array {
  return edited(branchOf(model, "else_branch"), "bridge", (builder, graph) => ({
    replaced: new Map([fullMask(builder, graph, { mask: "encoder_attention_mask", like: "encoder_hidden_states" })]),
    outputs: new Map(),
    keep: (name) => name.includes(".encoder."),
  }));
}

/**
 * The decoder from the second token on, which can begin with an empty cache too. Its caches of the text go in and out whole,
 * `past_key_values.<l>.decoder.key` [1, heads, tokens, headDim]; here they are rows `k.<l>` and `v.<l>` [P, heads · headDim], and the rows to append,
 * `k.<l>.rows` and `v.<l>.rows`.
 */
export function moonshineDecoder(model: ModelProto): Uint8Array {
  return edited(branchOf(model, "then_branch"), "decoder", (builder, graph) => {
    const mask = fullMask(builder, graph, { mask: "encoder_attention_mask", like: "encoder_hidden_states" });
    const replaced = new Map([mask]);
    const outputs = new Map<Value, string>();
    const shape = (sizes: readonly number[]): Value => integers(builder, sizes);
    const swapped = (value: Value): Value => builder.node("Transpose", [value], { attributes: { perm: [0, 2, 1, 3] } });
    for (let layer = 0; layer < LAYERS; layer++) {
      for (const [kind, name] of [
        ["k", "key"],
        ["v", "value"],
      ] as const) {
        const state = builder.input(`${kind}.${layer}`, "float32", ["P", HEADS * HEAD_DIM]);
        const whole = swapped(builder.node("Reshape", [state, shape([1, -1, HEADS, HEAD_DIM])]));
        replaced.set(`past_key_values.${layer}.decoder.${name}`, whole);
        const added = swapped(addedTo(graph, `present.${layer}.decoder.${name}`));
        const rows = builder.node("Reshape", [added, shape([-1, HEADS * HEAD_DIM])]);
        builder.output(rows, "float32", ["T", HEADS * HEAD_DIM]);
        outputs.set(rows, `${kind}.${layer}.rows`);
      }
    }
    return { replaced, outputs, keep: (output) => output === "logits" };
  });
}

function edited(
  model: ModelProto,
  name: string,
  edit: (builder: OnnxBuilder, graph: GraphProto) => Omit<Parameters<typeof applyEdit>[1], "builder">,
): Uint8Array {
  const copy = fromBinary(ModelProtoSchema, toBinary(ModelProtoSchema, model));
  const graph = copy.graph!;
  graph.name = name;
  const builder = createOnnxBuilder(name);
  applyEdit(graph, { builder, ...edit(builder, graph) });
  return toBinary(ModelProtoSchema, copy);
}

/** What a mask is where nothing is padded, and ones in its place: as many as the first two axes of a tensor have. */
function fullMask(builder: OnnxBuilder, graph: GraphProto, { mask, like }: { readonly mask: Value; readonly like: Value }): [Value, Value] {
  // What only cuts the mask to its tensor's length is left out with it.
  let value = mask;
  for (let readers = readersOf(graph, value); readers.length === 1 && readers[0]!.opType === "Slice"; readers = readersOf(graph, value))
    value = readers[0]!.output[0]!;
  const sizes = builder.node("Slice", [builder.node("Shape", [like]), integers(builder, [0]), integers(builder, [2])]);
  return [value, builder.node("Expand", [integers(builder, [1]), sizes])];
}

function integers(builder: OnnxBuilder, values: readonly number[]): Value {
  return builder.constant("int64", [values.length], bytesOfArray(BigInt64Array.from(values, (value) => BigInt(value))));
}

/** A cache's new rows: the second part of the Concat that makes it. */
function addedTo(graph: GraphProto, cache: Value): Value {
  const maker = graph.node.find(({ output }) => output[0] === cache);
  if (maker?.opType !== "Concat" || maker.input.length !== 2) throw new HeddleError("onnx-invalid", { detail: `no Concat makes ${cache}` });
  return maker.input[1]!;
}

// Goal: the graph of a .pt2 archive is the one PyTorch runs, and archives that contradict themselves are refused. Method: samples of two torch
// versions against the shapes of PyTorch's own interpreter, with and without the shapes that archives state, and planted contradictions.
import { describe, expect, it } from "vitest";
import { type ProgramJson, withoutActivations, withProgram } from "../../../test/support/pt2-archive.ts";
import { type Pt2Sample, pt2Sample, pt2Samples, TORCH_TYPES } from "../../../test/support/pt2-samples.ts";
import { bytesOf } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { constantOf, type Expression, evaluate, symbolsOf, textOf } from "../ir/expression.ts";
import { readTorchExport, type TorchExportReading } from "./read-torch-export.ts";

const SAMPLES = pt2Samples();

function read(bytes: Uint8Array, sizes?: Readonly<Record<string, number>>): TorchExportReading {
  return readTorchExport(bytesOf(bytes), sizes === undefined ? {} : { sizes });
}

/** Operators without a rule. */
const UNKNOWN: Readonly<Record<string, readonly string[]>> = {
  "choice-written.pt2": ["scaled", "cond"],
  "choice-core.pt2": ["scaled", "cond"],
  "operators-written.pt2": ["take_along_dim", "hstack", "pixel_shuffle", "im2col", "glu"],
};

/** Weights of samples that are one tensor under two names. */
const TIED: Readonly<Record<string, string>> = { "second.weight": "first.weight" };

/** Tensors whose type or shape is not what PyTorch ran; sizes that only a run tells are whatever they were at first. */
function differences({ graph }: TorchExportReading, sample: Pt2Sample): { readonly compared: number; readonly wrong: readonly string[] } {
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]));
  const sizes: Record<string, number> = { ...sample.sizes };
  const sizeAt = (size: Expression, actual: number): number => {
    const [only, more] = symbolsOf(size);
    if (only?.includes("#") && more === undefined && textOf(size) === only) sizes[only] ??= actual;
    return evaluate(size, sizes);
  };
  const wrong = Object.entries(sample.tensors).filter(([name, [shape, type]]) => {
    const tensor = tensors.get(TIED[name] ?? name);
    const isShape = tensor?.shape?.length === shape.length && tensor.shape.every((size, at) => sizeAt(size, shape[at]!) === shape[at]);
    return !isShape || (tensor.type !== "unknown" && tensor.type !== TORCH_TYPES[type]);
  });
  return { compared: Object.keys(sample.tensors).length, wrong: wrong.map(([name]) => name) };
}

describe("archives of torch.export", () => {
  it.each(SAMPLES.map((sample) => [sample.file, sample] as const))("%s: every tensor is as PyTorch runs it", (_, sample) => {
    const reading = read(sample.bytes);
    expect(reading.unknown.map(({ type }) => type)).toEqual(UNKNOWN[sample.file] ?? []);
    expect(differences(reading, sample).wrong).toEqual([]);
    const weights = reading.graph.tensors.filter(({ origin }) => origin === "weight");
    const parameters = weights.map(({ shape }) => shape!.reduce((product, size) => product * constantOf(size)!, 1));
    expect(parameters.reduce((sum, count) => sum + count, 0)).toBe(sample.parameters);
  });

  it("tells all shapes without those that archives state, but for statistics and views of another type", () => {
    const known = SAMPLES.filter(({ file }) => UNKNOWN[file] === undefined);
    const all = known.map((sample) => differences(read(withoutActivations(sample.bytes)), sample));
    expect(all.reduce((sum, { compared }) => sum + compared, 0)).toBe(1413);
    const left = all.flatMap(({ wrong }) => wrong);
    expect(left.map((name) => name.replace(/_unused_\d$/, ""))).toEqual([
      ...["_native_batch_norm_legit_no_training", "_native_batch_norm_legit_no_training"],
      ...["view", "alias", "_native_batch_norm_legit", "_native_batch_norm_legit"],
    ]);
  });

  it("sees a rule that is wrong", () => {
    const [sample] = SAMPLES;
    const tensors = { ...sample!.tensors, gelu: [[3, 41], "float32"] as const, tanh: [[3, 12], "int64"] as const };
    expect(differences(read(sample!.bytes), { ...sample!, tensors }).wrong).toEqual(["gelu", "tanh"]);
  });

  it.each([
    "decoder-written.pt2",
    "decoder-core.pt2",
    "decoder-given-cache-written.pt2",
    "decoder-given-cache-core.pt2",
    "decoder-core-old.pt2",
    "decoder-given-cache-written-old.pt2",
  ])("%s: caches that are written in place are states", (file) => {
    const { graph } = read(pt2Sample(file));
    expect(graph.states.map(({ kind }) => kind)).toEqual(["kv", "kv"]);
    const modes = graph.operators.flatMap(({ accesses }) => accesses.map(({ state, mode }) => `${mode} ${state}`));
    expect(modes).toEqual(["append 0", "append 1", "read 0", "read 1"]);
    const inputs = graph.inputs.map((id) => graph.tensors[id]!.name);
    for (const { name } of graph.states) expect(inputs).toContain(name);
  });

  it("keeps modules, sizes of weights in the archive and ranges of symbols", () => {
    const { graph, stored, ranges } = read(pt2Sample("mlp-core.pt2"));
    expect(graph.source).toBe("torch.export, torch 2.15.0+cu132");
    expect(graph.operators.map(({ type, scope }) => `${scope} ${type}`)).toContain("up addmm");
    expect(stored.map(({ tensor, location }) => [graph.tensors[tensor]!.name, location.byteLength])).toContainEqual(["up.weight", 2560]);
    expect([...ranges.values()]).toEqual([{ least: 2, greatest: 4096 }]);
  });

  it("takes sizes within the range that was exported", () => {
    const { graph } = read(pt2Sample("mlp-core.pt2"), { s77: 9 });
    expect(graph.tensors[graph.outputs[0]!]!.shape!.map(constantOf)).toEqual([9, 12]);
    expect(failure(() => read(pt2Sample("mlp-core.pt2"), { s77: 5000 }))).toMatch(/unsupported.*outside 2 to 4096/);
    expect(failure(() => read(pt2Sample("mlp-core.pt2"), { rows: 5 }))).toMatch(/unsupported.*s77/);
  });

  it.each(["choice-written.pt2", "choice-core.pt2"])("%s: reads branches as graphs, and weights with two names as one", (file) => {
    const { graph } = read(pt2Sample(file));
    const choice = graph.operators.find(({ type }) => type === "cond")!;
    expect(
      choice.bodies!.map(({ role, graph: body }) => [role, body.inputs.length, body.operators.map(({ type }) => type).at(-1)]),
    ).toEqual([
      ["true_graph_0", 1, "sum"],
      ["false_graph_0", 1, "sum"],
    ]);
    expect(graph.tensors.filter(({ origin }) => origin === "weight").map(({ name }) => name)).toEqual([
      "first.weight",
      "first.bias",
      "second.bias",
    ]);
  });

  it("keeps operators of others and lists them", () => {
    const custom = changed("mlp-core.pt2", (program) => {
      for (const node of nodesOf(program)) node.target = node.target.replace("aten.gelu", "mylib.fast_gelu");
    });
    const { graph, unknown } = read(custom);
    expect(unknown).toEqual([{ domain: "mylib", type: "fast_gelu", count: 1 }]);
    expect(graph.operators.filter(({ domain }) => domain === "mylib").map(({ outputs }) => graph.tensors[outputs[0]!]!.name)).toEqual([
      "gelu",
    ]);
  });
});

describe("archives that contradict themselves", () => {
  const nodeAt = (program: ProgramJson, type: string) => nodesOf(program).find(({ target }) => target.includes(`.${type}.`))!;
  const argument = (program: ProgramJson, type: string, name: string) => nodeAt(program, type).inputs.find((input) => input.name === name)!;
  const size = (value: number) => ({ as_int: value });
  it.each<[string, string, (program: ProgramJson) => void, RegExp]>([
    ["a stated size", "mlp-core", ({ graph_module: { graph } }) => (graph.tensor_values["addmm"]!.sizes[1] = size(41)), /dimension 1/],
    ["a stated rank", "mlp-core", ({ graph_module: { graph } }) => graph.tensor_values["tanh"]!.sizes.push(size(1)), /3 dimensions/],
    ["a stated type", "mlp-core", ({ graph_module: { graph } }) => (graph.tensor_values["gelu"]!.dtype = 5), /i64 and comes out as f32/],
    [
      "a weight's size",
      "mlp-core",
      ({ graph_module: { graph } }) => (graph.tensor_values["p_up_weight"]!.sizes[0] = size(39)),
      /up.weight/,
    ],
    [
      "a bias that fits no product",
      "mlp-core",
      (program) => (argument(program, "addmm", "mat2").arg = { as_tensor: { name: "p_up_weight" } }),
      /differ/,
    ],
    ["an order of axes", "mlp-core", (program) => (argument(program, "permute", "dims").arg = { as_ints: [1, 1] }), /no order/],
    ["a batch", "mlp-core", ({ graph_module: { graph } }) => (graph.tensor_values["mm"]!.sizes[0] = size(9)), /dimension 0/],
    ["a kernel", "cnn-core", (program) => (argument(program, "convolution", "stride").arg = { as_ints: [3, 2] }), /dimension/],
    ["groups", "cnn-core", (program) => (argument(program, "convolution", "groups").arg = { as_int: 2 }), /channels/],
    ["a view", "decoder-core", (program) => (argument(program, "view", "size").arg = { as_ints: [3, 5, 7] }), /elements|dimension/],
    ["a joined axis", "decoder-core", (program) => (argument(program, "cat", "dim").arg = { as_int: 0 }), /dimension|sizes beside/],
    [
      "a name that nothing makes",
      "moe-core",
      (program) => (argument(program, "_softmax", "self").arg = { as_tensor: { name: "nobody" } }),
      /nothing/,
    ],
    ["a name made twice", "mlp-core", (program) => (nodeAt(program, "tanh").outputs = [{ as_tensor: { name: "mm" } }]), /made twice/],
    ["a circle", "mlp-core", (program) => nodesOf(program).reverse(), /nothing before it makes/],
    ["an input that is none", "mlp-core", ({ graph_module: { graph } }) => graph.inputs.reverse(), /input 0/],
    ["a future schema", "mlp-core", (program) => (program.schema_version.major = 99), /99/],
  ])("refuses %s", (_, file, change, message) => {
    const text = failure(() => read(changed(`${file}.pt2`, change)));
    expect(text).toMatch(/^torch-export-(invalid|unsupported)/);
    expect(text).toMatch(message);
  });
});

function nodesOf(program: ProgramJson): ProgramJson["graph_module"]["graph"]["nodes"] {
  return program.graph_module.graph.nodes;
}

function changed(file: string, change: (program: ProgramJson) => unknown): Uint8Array {
  return withProgram(pt2Sample(file), (program) => {
    change(program);
  });
}

function failure(use: () => unknown): string {
  try {
    use();
    return "no failure";
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

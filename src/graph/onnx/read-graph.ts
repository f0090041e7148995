import { HeddleError } from "../../base/heddle-error.ts";
import { createGraphBuilder } from "../ir/build-graph.ts";
import { type Bindings, bind, type Expression, symbol, symbolsOf } from "../ir/expression.ts";
import type { Access, Body, Graph, State, TensorId } from "../ir/graph.ts";
import { type Fact, factOf, UNKNOWN } from "../shapes/fact.ts";
import { productOf } from "../shapes/size-arithmetic.ts";
import { declared } from "./declared-shapes.ts";
import { domainOf, type FileReading } from "./file-reading.ts";
import type { GraphProto, NodeProto } from "./generated/onnx_pb.ts";
import { graphScope } from "./graph-scope.ts";
import { applyRule, type BodyReader } from "./infer-node.ts";
import { attributesOf } from "./node-attributes.ts";
import { inOrder } from "./order-nodes.ts";
import { pairStates } from "./pair-states.ts";
import { type DataLocation, type StoredTensor, storedTensor } from "./tensor-data.ts";

export interface GraphReading {
  readonly graph: Graph;
  /** What is known of the outputs. */
  readonly results: readonly Fact[];
  readonly captures: Body["captures"];
  /** What each operator was made from; folded `Constant` nodes are not among them. */
  readonly nodes: readonly NodeProto[];
  readonly stored: readonly { readonly graph: Graph; readonly tensor: TensorId; readonly location: DataLocation }[];
  /** Operators without a rule, with repeats. */
  readonly unknown: readonly string[];
}

/** Where a graph's nodes find tensors of the graph around it. */
export interface Surroundings {
  find(name: string): { readonly id: TensorId; readonly fact: Fact } | undefined;
  /** What the graph is given, where that is known. */
  readonly given: readonly Fact[];
  readonly depth: number;
}

/** Graphs inside graphs; deeper ones do not occur. */
const MAX_DEPTH = 12;

/** Errors: `onnx-invalid` where names are missing or made twice, `onnx-unsupported` where graphs nest too deep. */
export function readGraph(file: FileReading, proto: GraphProto, around?: Surroundings): GraphReading {
  if ((around?.depth ?? 0) > MAX_DEPTH)
    throw new HeddleError("onnx-unsupported", { where: proto.name, detail: "graphs are nested too deep" });
  const builder = createGraphBuilder();
  const scope = graphScope(builder, around?.find);
  const { declare, store, find, must } = scope;
  const unknown: string[] = [];
  const inner: GraphReading["stored"][number][] = [];
  const nodes: NodeProto[] = [];
  const stated = new Map([...proto.valueInfo, ...proto.output].map((info) => [info.name, info]));

  for (const tensor of proto.initializer) store(tensor.name, storedTensor(tensor));
  for (const sparse of proto.sparseInitializer) if (sparse.values !== undefined) store(sparse.values.name, sparseTensor(sparse));
  const inputs = proto.input.flatMap((info, at) => {
    if (scope.has(info.name)) return [];
    const fact = declared(info, (axis) => (around === undefined ? symbol(`${info.name}_${axis}`) : file.fresh(`${info.name}_${axis}`)));
    return [declare(info.name, "input", around === undefined ? sized(fact, file.sizes) : merged(around.given[at], fact))];
  });

  const inputSymbols = new Set(around === undefined ? inputs.flatMap((id) => (builder.get(id).shape ?? []).flatMap(symbolsOf)) : []);

  const pairs =
    around === undefined
      ? pairStates(
          inputs.map((id) => builder.get(id).name),
          proto.output.map(({ name }) => name),
        )
      : [];
  const accesses = new Map<string, Access>();
  const states = pairs.map(({ input, output, kind }) => {
    const { type, shape } = find(input)!.fact;
    if (shape !== undefined && productOf(shape) === undefined)
      throw new HeddleError("onnx-unsupported", { where: `state ${input.slice(0, 120)}`, detail: "its size is too long to write down" });
    const state = builder.state({ name: input, kind, type, shape: shape ?? [] });
    accesses.set(input, { state, mode: "read" });
    accesses.set(output, { state, mode: kind === "kv" ? "append" : "write" });
    return { state, output };
  });

  for (const node of inOrder(proto.node)) {
    file.count();
    if (isConstant(node)) {
      const tensor = constantTensor(node);
      if (tensor !== undefined) store(node.output[0]!, tensor);
      else declare(node.output[0]!, "constant", applyRule(file, node, { inputs: [], body: () => [] }).outputs[0] ?? UNKNOWN);
      continue;
    }
    const label = `node ${(node.name || node.opType).slice(0, 120)}`;
    const operands = node.input.map((name) => (name === "" ? undefined : must(name, label)));
    const bodies = new Map<string, GraphReading>();
    const body: BodyReader = (role, graph, given) => {
      const reading = readGraph(file, graph, { find, given, depth: (around?.depth ?? 0) + 1 });
      bodies.set(role, reading);
      return reading.results;
    };
    const { outputs, known } = applyRule(file, node, { inputs: operands.map((operand) => operand?.fact), body });
    if (!known) unknown.push(`${domainOf(node)}\n${node.opType}`);
    const results = node.output.map((name, at) => {
      if (name === "") return undefined;
      const info = stated.get(name);
      return declare(
        name,
        "activation",
        info === undefined
          ? (outputs[at] ?? UNKNOWN)
          : refined(
              outputs[at],
              declared(info, () => file.fresh("open")),
              inputSymbols,
            ),
      );
    });
    for (const reading of bodies.values()) {
      unknown.push(...reading.unknown);
      inner.push(...reading.stored);
    }
    const kept = [...bodies].map(([role, reading]): Body => ({ role, graph: reading.graph, captures: reading.captures }));
    nodes.push(node);
    builder.operator({
      name: node.name,
      type: node.opType,
      domain: domainOf(node),
      inputs: operands.map((operand) => operand?.id),
      outputs: results,
      attributes: attributesOf(node),
      accesses: [...node.input, ...node.output].flatMap((name, at) => {
        const access = accesses.get(name);
        const tensor = at < operands.length ? operands[at]?.id : results[at - operands.length];
        return access === undefined ? [] : [{ ...access, ...(tensor === undefined ? {} : { tensor }) }];
      }),
      scope: scopeOf(node.name),
      ...(kept.length === 0 ? {} : { bodies: kept }),
    });
  }

  const outputs = proto.output.map(({ name }) => must(name, `output ${name.slice(0, 120)}`));
  const built = builder.build({ name: proto.name, source: file.source, inputs, outputs: outputs.map(({ id }) => id) });
  const after = (name: string): Fact["shape"] => {
    const inferred = find(name)?.fact.shape;
    const info = stated.get(name);
    return inferred && info ? named(inferred, declared(info, () => file.fresh("open")).shape) : inferred;
  };
  const graph = { ...built, states: built.states.map((state, at) => grown(state, after(states[at]!.output))) };
  return {
    graph,
    results: outputs.map(({ fact }) => fact),
    captures: scope.captures,
    nodes,
    stored: [...scope.stored.map((each) => ({ graph, ...each })), ...inner],
    unknown,
  };
}

function sparseTensor(sparse: GraphProto["sparseInitializer"][number]): StoredTensor {
  const dense = storedTensor({ ...sparse.values!, dims: sparse.dims, rawData: new Uint8Array(0), externalData: [], dataLocation: 0 });
  return { ...dense, fact: factOf(dense.fact.type, dense.fact.shape), location: undefined };
}

/** A node that is read as a stored tensor. */
export function isConstant(node: NodeProto): boolean {
  return node.opType === "Constant" && domainOf(node) === "onnx" && node.output.length === 1;
}

function constantTensor(node: NodeProto): StoredTensor | undefined {
  for (const { name, t, sparseTensor: sparse } of node.attribute) {
    if (name === "value" && t !== undefined) return storedTensor(t);
    if (name === "sparse_value" && sparse?.values !== undefined) return sparseTensor(sparse);
  }
  return undefined;
}

/** Sizes that whoever reads the model fixes. */
function sized(fact: Fact, sizes: Bindings): Fact {
  return { ...fact, shape: fact.shape?.map((size) => bind(size, sizes)) };
}

/** What a run is given says more than what a file states of it. */
function merged(given: Fact | undefined, stated: Fact): Fact {
  if (given === undefined) return stated;
  return { ...given, type: given.type === "unknown" ? stated.type : given.type, shape: given.shape ?? stated.shape };
}

/**
 * What a file states fills in what inference left open: a size that only a run would tell, or all where there is no rule. Of names it takes those
 * that inputs have: exporters make others up for every tensor.
 */
function refined(inferred: Fact | undefined, stated: Fact, names: ReadonlySet<string>): Fact {
  const type = inferred === undefined || inferred.type === "unknown" ? stated.type : inferred.type;
  if (inferred?.shape === undefined) return { ...inferred, type, shape: stated.shape };
  if (stated.shape?.length !== inferred.shape.length) return { ...inferred, type };
  const shape = inferred.shape.map((size, axis) =>
    isFresh(size) && symbolsOf(stated.shape![axis]!).every((name) => names.has(name)) ? stated.shape![axis]! : size,
  );
  return { ...inferred, type, shape };
}

/** A KV cache is as large as what comes out; other states keep their size. */
function grown(state: State, after: Fact["shape"]): State {
  if (state.kind !== "kv" || after?.length !== state.shape.length) return state;
  const shape = state.shape.map((size, axis) => (isFresh(after[axis]!) ? size : after[axis]!));
  return productOf(shape) === undefined ? state : { ...state, shape };
}

/** What the file calls sizes that inference left open. */
function named(inferred: readonly Expression[], stated: Fact["shape"]): readonly Expression[] {
  return stated?.length !== inferred.length ? inferred : inferred.map((size, axis) => (isFresh(size) ? stated[axis]! : size));
}

/** A symbol that inference made up; its name holds `#`. */
export function isFresh({ terms: [term, more] }: Expression): boolean {
  const [factor, another] = term?.factors ?? [];
  return more === undefined && another === undefined && term?.coefficient === 1 && factor?.type === "symbol" && factor.name.includes("#");
}

/** `/model/layers.0/attn/MatMul` → `model.layers.0.attn`. */
function scopeOf(name: string): string {
  const parts = name.split("/").filter((part) => part !== "");
  return parts.slice(0, -1).join(".");
}

import { createGraphBuilder } from "../ir/build-graph.ts";
import type { Expression } from "../ir/expression.ts";
import type { Access, Body, Graph, StateId, TensorId } from "../ir/graph.ts";
import type { Fact } from "../shapes/fact.ts";
import { type Argument, argumentOf, tensorsOf } from "./argument.ts";
import { inferCall } from "./call-rule.ts";
import { agreed, declaredTensors } from "./declared-tensors.ts";
import { invalid, unsupported } from "./failures.ts";
import { type NodeJson, nodesOf, type OperatorName, operatorName, scopeOf } from "./graph-json.ts";
import { graphScope } from "./graph-scope.ts";
import { type Fields, fieldsOf, listOf, own } from "./json-fields.ts";
import { attributesOf } from "./operator-attributes.ts";
import type { Sizes } from "./sizes.ts";
import { modeOn, traceStates } from "./state-flow.ts";
import { stateKind } from "./state-kind.ts";

/** An input of a graph: what it is called inside, and what it is in the model. */
export interface GraphInput {
  readonly name: string;
  readonly label: string;
  readonly origin: "input" | "weight" | "constant";
  readonly fact: Fact | undefined;
  /** An input before it that is the same tensor. */
  readonly sameAs?: string;
}

export interface GraphFrame {
  readonly name: string;
  readonly source: string;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly Argument[];
  /** Output tensor to the input tensor whose place it takes in the next run. */
  readonly mutations: ReadonlyMap<string, string>;
  readonly depth: number;
}

export interface GraphResult {
  readonly graph: Graph;
  readonly ids: ReadonlyMap<string, TensorId>;
  readonly unknown: readonly OperatorName[];
}

/** Graphs inside graphs; deeper ones do not occur. */
const MAX_DEPTH = 12;

/** Errors: `torch-export-invalid` where names are missing or made twice or shapes contradict, `torch-export-unsupported` where graphs nest too deep. */
export function readGraph(json: Fields, sizes: Sizes, frame: GraphFrame): GraphResult {
  if (frame.depth > MAX_DEPTH) throw unsupported(frame.name, "graphs are nested too deep");
  const builder = createGraphBuilder();
  const scope = graphScope(builder);
  const stated = declaredTensors(json, sizes);
  const sizeOf = namedSizes(json, sizes);
  const nodes = nodesOf(json);
  const unknown: OperatorName[] = [];
  const flow = traceStates(
    nodes,
    frame.inputs.map(({ name }) => name),
    frame.mutations,
  );

  const ids = new Map<string, TensorId>();
  const inputs: TensorId[] = [];
  for (const { name, label, origin, fact, sameAs } of frame.inputs) {
    const isState = flow.states.has(name);
    const shared = sameAs === undefined || isState ? undefined : ids.get(sameAs);
    if (shared !== undefined) scope.alias(name, shared);
    const id = shared ?? scope.declare(name, isState ? "input" : origin, fact, label);
    ids.set(name, id);
    if (origin === "input" || isState) inputs.push(id);
  }
  const states = new Map<string, { readonly id: StateId; readonly kind: ReturnType<typeof stateKind> }>();
  for (const name of flow.states) {
    const { name: label, type, shape } = builder.get(scope.must(name, "a state"));
    const state = { name: label, type, shape: shape ?? [] };
    const kind = stateKind(state);
    states.set(name, { id: builder.state({ ...state, kind }), kind });
  }

  for (const node of nodes) {
    const operator = calledOperator(node);
    const where = `${operator.type.slice(0, 120)} (${node.name.slice(0, 120)})`;
    const names = node.outputs.flatMap((output) => tensorsOf(output));
    const operands = [...node.inputs.values()].flatMap(tensorsOf).map((name) => (name === undefined ? undefined : scope.must(name, where)));
    if (names.length === 0 && isArithmetic(operator)) {
      checkSize(node, operator, { sizes, sizeOf, factOf: scope.fact });
      continue;
    }
    const inferred = inferCall(node, operator, { sizes, sizeOf, factOf: scope.fact });
    if (inferred === undefined) unknown.push(operator);
    const outputs = names.map((name, at) => {
      if (name === undefined) return undefined;
      return scope.declare(name, "activation", agreed(inferred?.[at], stated(name), sizes, `${where}, tensor ${name.slice(0, 120)}`));
    });
    const bodies: Body[] = [];
    for (const [role, argument] of node.inputs) {
      if (argument.type !== "graph") continue;
      const result = readBody(argument.graph, sizes, { ...frame, name: argument.name, depth: frame.depth + 1 });
      unknown.push(...result.unknown);
      bodies.push({ role: /^\d/.test(role) ? argument.name : role, graph: result.graph, captures: [] });
    }
    builder.operator({
      name: node.name,
      type: operator.type,
      domain: operator.domain,
      inputs: operands,
      outputs,
      attributes: attributesOf(node.inputs, operator.overload, sizeOf),
      accesses: flow.accesses(node).map(({ state, mode, tensor }): Access => {
        const { id, kind } = states.get(state)!;
        return { state: id, mode: modeOn(kind, mode), tensor: scope.must(tensor, where) };
      }),
      scope: scopeOf(node.modules),
      ...(bodies.length === 0 ? {} : { bodies }),
    });
  }
  const outputs = frame.outputs.flatMap(tensorsOf).flatMap((name) => (name === undefined ? [] : [scope.must(name, "an output")]));
  for (const name of frame.mutations.keys()) scope.must(name, "a mutation");
  return { graph: builder.build({ name: frame.name, source: frame.source, inputs, outputs }), ids, unknown };
}

function readBody(json: Fields, sizes: Sizes, frame: Pick<GraphFrame, "name" | "source" | "depth">): GraphResult {
  const stated = declaredTensors(json, sizes);
  const inputs = listOf(json["inputs"], frame.name).flatMap((value): GraphInput[] =>
    tensorsOf(argumentOf(value, frame.name)).flatMap((name) =>
      name === undefined ? [] : [{ name, label: name, origin: "input", fact: stated(name) }],
    ),
  );
  const outputs = listOf(json["outputs"], frame.name).map((value) => argumentOf(value, frame.name));
  return readGraph(json, sizes, { ...frame, inputs, outputs, mutations: new Map() });
}

function namedSizes(json: Fields, sizes: Sizes): (name: string) => Expression | undefined {
  const found = own(json, "sym_int_values");
  const values = found === undefined ? {} : fieldsOf(found, "sym_int_values");
  return (name) => {
    const value = own(values, name);
    return value === undefined ? undefined : sizes.read(value, `size ${name.slice(0, 120)}`);
  };
}

/** Sizes, truths and assertions are part of the shapes, not of the graph. */
function isArithmetic({ domain, type }: OperatorName): boolean {
  return (
    domain === "python" ||
    (domain === "aten" && (type.startsWith("sym_") || type.startsWith("_assert") || type === "item" || type === "_local_scalar_dense"))
  );
}

/** The stated size of a tensor's dimension is that of the tensor. */
function checkSize(
  node: NodeJson,
  { type }: OperatorName,
  around: { sizes: Sizes; sizeOf: (name: string) => Expression | undefined; factOf: (name: string) => Fact | undefined },
): void {
  const [tensor, dimension, result] = [node.inputs.get("self"), node.inputs.get("dim"), node.outputs[0]];
  if (type !== "sym_size" || tensor?.type !== "tensor" || dimension?.type !== "size" || result?.type !== "size") return;
  const shape = around.factOf(tensor.name)?.shape;
  const size = typeof dimension.size === "number" ? shape?.at(dimension.size) : undefined;
  const stated = typeof result.size === "number" ? undefined : around.sizeOf(result.size.name);
  if (size !== undefined && stated !== undefined && !around.sizes.mayBeEqual(size, stated)) {
    throw invalid(`sym_size (${node.name.slice(0, 120)})`, "the stated size is not that of the tensor");
  }
}

/** Wrappers that make a custom operator functional call the operator they name. */
function calledOperator(node: NodeJson): OperatorName {
  const operator = operatorName(node.target);
  if (operator.domain !== "higher_order" || !operator.type.startsWith("auto_functionalized")) return operator;
  const wrapped = [...node.inputs.values()].find((argument) => argument.type === "operator");
  return wrapped?.type === "operator" ? operatorName(wrapped.target) : operator;
}

import { HeddleError } from "../base/heddle-error.ts";
import { isTensorType } from "../execute/device/array-types.ts";
import type { TensorType } from "../execute/device/tensor.ts";
import { constant, symbol } from "../graph/ir/expression.ts";
import { createOnnxBuilder, type OnnxBuilder } from "../graph/onnx/builder.ts";
import { programFromBuilder } from "../graph/program/onnx-program.ts";
import { ONNX_NAMES } from "../graph/shapes/element-types.ts";
import type { Fact } from "../graph/shapes/fact.ts";
import { MAX_VALUE_ELEMENTS } from "../graph/shapes/fact.ts";
import { operatorFacts } from "./operator-facts.ts";
import { dimsOfShape } from "./port-specs.ts";
import type { GraphMaker, GraphState, GraphValue, OpOptions, RunnableGraph, Tensor } from "./sdk-types.ts";
import { bytesOfTensor, elementBytes } from "./tensor.ts";

/** Up to this a weight lies inside the protobuf, where shape rules and runtimes read sizes and axes. Units: bytes. */
const INSIDE_BYTES = 2048;

interface Known {
  readonly fact: Fact;
  readonly kind: "input" | "weight" | "state" | "operator";
  readonly data?: Tensor;
}

interface Use {
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly options: OpOptions;
}

interface DefinedState {
  readonly capacity?: number;
  readonly change?: { readonly access: "append" | "write" | "reduce"; readonly value: GraphValue };
}

/** A graph as far as it has been told. */
interface Making {
  readonly graph: string;
  readonly known: Map<GraphValue, Known>;
  readonly names: Set<string>;
  readonly uses: Use[];
  readonly outputs: Map<string, GraphValue>;
  readonly states: Map<GraphValue, DefinedState>;
}

/**
 * A graph put together in a program, of ONNX's operators. Every call holds what it is given against the operator's shape rule.
 *
 * Errors: `graph-invalid` naming the operator, its inputs and why they do not fit.
 */
export function defineGraph(name: string, define: (g: GraphMaker) => void): RunnableGraph {
  const making: Making = { graph: name, known: new Map(), names: new Set(), uses: [], outputs: new Map(), states: new Map() };
  define(makerOf(making));
  if (making.outputs.size === 0) throw invalid(making, "the graph", "it has no output");
  const states = [...making.states].map(([value, { capacity, change }]): GraphState => {
    const dims = (value.dims ?? []).map((size) => (typeof size === "number" ? size : 0));
    const read = isRead(making, value);
    if (read && change?.access === "reduce") throw invalid(making, value.name, "a state that is added to is not read in the same run");
    const ends = read ? { input: value.name } : {};
    const input = { name: value.name, type: value.type, ...ends, dims, ...(capacity === undefined ? {} : { capacity }) };
    return change === undefined ? { ...input, access: "read" } : { ...input, access: change.access, output: portOf(value) };
  });
  const model = builtModel(making);
  const files = Object.fromEntries(model.weights.map(({ path, data }) => [path, data]));
  const port = (port: string, { type, dims }: GraphValue) => ({ name: port, type, dims });
  return {
    name,
    program: programFromBuilder(model, { name }),
    source: { type: "onnx-bytes", model: model.model, files },
    inputs: [...making.known].filter(([, { kind }]) => kind === "input").map(([value]) => port(value.name, value)),
    outputs: [...making.outputs].map(([output, value]) => port(output, value)),
    states,
  };
}

function makerOf(making: Making): GraphMaker {
  const declare = (name: string, known: Known): GraphValue => {
    if (name === "" || making.names.has(name)) throw invalid(making, JSON.stringify(name), "the name is taken, or empty");
    making.names.add(name);
    const { type, shape } = known.fact;
    if (!isTensorType(type)) throw invalid(making, name, `no tensor has type ${type}`);
    const value: GraphValue = { name, type, dims: dimsOfShape(shape) };
    making.known.set(value, known);
    return value;
  };
  const given = (type: TensorType, dims: readonly (number | string)[]): Fact => ({
    type,
    shape: dims.map((size) => (typeof size === "number" ? constant(size) : symbol(size))),
  });
  const change = (state: GraphValue, access: "append" | "write" | "reduce", value: GraphValue): void => {
    const defined = making.states.get(state);
    if (defined === undefined) throw invalid(making, state.name, "it is no state of this graph");
    if (defined.change !== undefined) throw invalid(making, state.name, "its next content is said once");
    if (value.type !== state.type) throw invalid(making, state.name, `${value.type} does not go into a state of ${state.type}`);
    making.states.set(state, { ...defined, change: { access, value } });
  };
  const ops: GraphMaker["ops"] = (operator, inputs, outputs, options = {}) => {
    const name = options.name ?? `${operator}.${making.uses.length}`;
    const facts = inputs.map((value) => {
      const known = making.known.get(value);
      if (known === undefined) throw invalid(making, name, `${value.name} is a value of another graph`);
      return known.fact;
    });
    const found = operatorFacts({ graph: making.graph, operator, name, inputs: facts, outputs, options });
    const values = found.map((fact, i) => declare(i === 0 ? name : `${name}:${i}`, { fact, kind: "operator" }));
    making.uses.push({ operator, name, inputs, outputs: values, options });
    return values;
  };
  return {
    input: (name, type, dims) => declare(name, { fact: given(type, dims), kind: "input" }),
    weight: (name, value) =>
      declare(name, { fact: { ...given(value.type, value.dims), ...numbersOf(value) }, kind: "weight", data: value }),
    op: (operator, inputs, options = {}) => ops(operator, inputs, 1, options)[0]!,
    ops,
    state: (name, type, dims, options = {}) => {
      const value = declare(name, { fact: given(type, dims), kind: "state" });
      making.states.set(value, options);
      return value;
    },
    append: (state, rows) => change(state, "append", rows),
    write: (state, value) => change(state, "write", value),
    reduce: (state, value) => change(state, "reduce", value),
    output: (name, value) => {
      if (!making.known.has(value)) throw invalid(making, name, `${value.name} is a value of another graph`);
      const holder = [...making.known].find(([one, { kind }]) => one.name === name && kind !== "operator");
      if (name === "" || making.outputs.has(name) || holder !== undefined)
        throw invalid(making, JSON.stringify(name), "the name is taken, or empty");
      making.outputs.set(name, value);
    },
  };
}

/** Numbers of small integer tensors: sizes and axes that shape rules read. */
function numbersOf({ type, data }: Tensor): Pick<Fact, "value"> {
  const counted = type === "i64" || type === "i32";
  return counted && data.length <= MAX_VALUE_ELEMENTS
    ? { value: Array.from(data as ArrayLike<number | bigint>, (one) => constant(Number(one))) }
    : {};
}

/** Whether the graph looks at a state's content, or at what is given. */
function isRead({ uses, outputs, states }: Making, value: GraphValue): boolean {
  const next = [...states.values()].map(({ change }) => change?.value);
  return uses.some(({ inputs }) => inputs.includes(value)) || [...outputs.values(), ...next].includes(value);
}

/** Port that a state's next content leaves by. */
function portOf(state: GraphValue): string {
  return `${state.name}.next`;
}

function builtModel(making: Making): ReturnType<OnnxBuilder["build"]> {
  const builder = createOnnxBuilder(making.graph);
  // A value that leaves the graph goes by that name inside too; a second name, or a value no operator made, takes a copy.
  const ends: [string, GraphValue][] = [...making.outputs];
  for (const [state, { change }] of making.states) if (change !== undefined) ends.push([portOf(state), change.value]);
  const inside = new Map<GraphValue, string>();
  for (const [end, value] of ends) {
    if (making.known.get(value)?.kind === "operator" && !inside.has(value)) inside.set(value, end);
  }
  const nameOf = (value: GraphValue): string =>
    inside.get(value) ?? (making.known.get(value)!.kind === "operator" ? value.name : value.name);
  for (const [value, { kind, data }] of making.known) {
    const type = ONNX_NAMES[value.type];
    if (kind === "input" || (kind === "state" && isRead(making, value))) builder.input(value.name, type, value.dims ?? []);
    else if (data !== undefined) store(builder, value.name, data);
  }
  for (const { operator, name, inputs, outputs, options } of making.uses) {
    const { attributes, domain } = options;
    builder.nodeOutputs(operator, inputs.map(nameOf), {
      name,
      outputs: outputs.length,
      outputNames: outputs.map(nameOf),
      ...(attributes === undefined ? {} : { attributes }),
      ...(domain === undefined ? {} : { domain }),
    });
  }
  for (const [end, value] of ends) {
    if (inside.get(value) !== end) builder.node("Identity", [nameOf(value)], { name: `copy to ${end}`, outputNames: [end] });
    builder.output(end, ONNX_NAMES[value.type], value.dims ?? []);
  }
  return builder.build();
}

function store(builder: OnnxBuilder, name: string, value: Tensor): void {
  const type = ONNX_NAMES[value.type];
  const bytes = bytesOfTensor(value);
  if (value.data.length * elementBytes(value.type) > INSIDE_BYTES) builder.weight(name, type, value.dims, bytes);
  else builder.constant(type, value.dims, bytes, name);
}

function invalid({ graph }: Making, what: string, detail: string): HeddleError {
  return new HeddleError("graph-invalid", { where: `${graph}, ${what}`, detail });
}

import { ENCODED } from "../graph/architecture/sizes.ts";
import { add, constant, type Expression, equal, minimum, multiply, substitute, subtract, symbol } from "../graph/ir/expression.ts";
import { type Access, CONTEXT, ELEMENT_BYTES, type Graph, type Operator, type State, TOKENS } from "../graph/ir/graph.ts";
import { flopsOf } from "./flops/rule-table.ts";
import { bytesOfTensor, elementCount, tensorsOf } from "./tensor-bytes.ts";
import { touched } from "./touched-experts.ts";
import type { Work } from "./work.ts";

/** Work of an operator of a configuration's graph, whose weights, states and experts are known by their kinds. */
export function heddleWork(graph: Graph, operator: Operator): Work | undefined {
  const flops = flopsOf(graph, operator);
  if (flops === undefined) return undefined;
  return {
    flops,
    weightBytes: weightBytes(graph, operator),
    stateBytes: stateBytes(graph, operator),
    activationBytes: activationBytes(graph, operator),
  };
}

function looksUp({ type }: Operator): boolean {
  return type === "Gather" || type === "EmbeddingBag";
}

function weightBytes(graph: Graph, operator: Operator): Expression {
  const weights = tensorsOf(graph, operator.inputs).filter(({ origin }) => origin === "weight");
  if (looksUp(operator)) {
    // Rows that are read are as large as those that are given; a bag sums several.
    const rows = tensorsOf(graph, operator.outputs).map(bytesOfTensor);
    return weights.length === 0 ? constant(0) : multiply(constant(Number(operator.attributes["lookups"] ?? 1)), add(...rows));
  }
  const read = add(
    ...weights.map((tensor) =>
      tensor.experts === undefined
        ? bytesOfTensor(tensor)
        : multiply(touched(tensor.experts), bytesOfTensor({ ...tensor, shape: tensor.shape?.slice(1) })),
    ),
  );
  return multiply(runs(graph, operator), read);
}

/** 0 for an encoder's operator in a run that encodes nothing, else 1. */
function runs(graph: Graph, operator: Operator): Expression {
  const items = tensorsOf(graph, operator.outputs)[0]?.shape?.[0];
  return items !== undefined && equal(items, symbol(ENCODED)) ? minimum(items, constant(1)) : constant(1);
}

function stateBytes(graph: Graph, operator: Operator): Expression {
  return add(...operator.accesses.map((access) => accessBytes(graph, operator, access)));
}

/** What is appended comes from activations of the same run, so a read finds what was there before it. */
function accessBytes(graph: Graph, operator: Operator, { state: id, mode }: Access): Expression {
  const state = graph.states[id]!;
  switch (mode) {
    case "append":
      return sizeAt(state, symbol(TOKENS));
    case "read": {
      const before = subtract(symbol(CONTEXT), symbol(TOKENS));
      const { mask, reach } = operator.attributes;
      // Each new token reads those it has chosen, all together no more than there are.
      return sizeAt(state, mask === "chosen" ? minimum(before, multiply(symbol(TOKENS), constant(Number(reach)))) : before);
    }
    case "write":
    case "reduce":
      return operator.type === "WriteState" ? inputBytes(graph, operator, state) : bytesOfTensor(state);
  }
}

function sizeAt(state: State, context: Expression): Expression {
  return substitute(bytesOfTensor(state), { [CONTEXT]: context });
}

function inputBytes(graph: Graph, operator: Operator, state: State): Expression {
  const elements = add(...tensorsOf(graph, operator.inputs).map(({ shape }) => elementCount(shape)));
  return multiply(constant(ELEMENT_BYTES[state.type]), elements);
}

function activationBytes(graph: Graph, operator: Operator): Expression {
  const outputs = tensorsOf(graph, operator.outputs);
  if (looksUp(operator)) {
    const tabled = tensorsOf(graph, operator.inputs).some(({ origin }) => origin === "weight");
    return multiply(constant(tabled ? 1 : 2), add(...outputs.map(bytesOfTensor)));
  }
  const inputs = tensorsOf(graph, operator.inputs).filter(({ origin }) => origin === "activation" || origin === "input");
  return add(...[...inputs, ...outputs].map(bytesOfTensor));
}

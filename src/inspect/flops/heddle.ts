import { must } from "../../base/assert.ts";
import { add, constant, type Expression, minimum, multiply, symbol } from "../../graph/ir/expression.ts";
import { CONTEXT, type Graph, type Operator } from "../../graph/ir/graph.ts";
import { pairsOf } from "../attention-pairs.ts";
import { elementCount, tensorsOf } from "../tensor-bytes.ts";
import { type FlopRules, zero } from "./flop-rule.ts";

/**
 * Operations of a Mamba-2 step per element of state: decay, product of input and B, their sum, and a multiply-add with C. The recurrent form;
 * chunked kernels trade more operations for products of matrices. Source: arXiv 2405.21060, equation 1.
 */
const SCAN_FLOPS = 5;

/** Floating-point operations of every operator the configurations use. */
export const HEDDLE_FLOPS: FlopRules = {
  Linear: (graph, operator) => {
    const [, weights] = tensorsOf(graph, operator.inputs);
    return multiply(constant(2), outputOf(graph, operator), must(weights?.shape?.at(-1), "a product has weights"));
  },
  ExpertLinear: (graph, operator) => multiply(constant(2), outputOf(graph, operator), number(operator, "inputs")),
  Convolution: (graph, operator) =>
    multiply(constant(2), outputOf(graph, operator), number(operator, "kernel"), number(operator, "channels")),
  CausalConvolution: (graph, operator) => multiply(constant(2), outputOf(graph, operator), number(operator, "kernel")),
  SelectiveScan: (graph, operator) => multiply(constant(SCAN_FLOPS), outputOf(graph, operator), number(operator, "stateSize")),
  Attention: attention,
  LatentAttention: latentAttention,
  ChooseTokens: chooseTokens,
  PairwiseDot: (graph, operator) => {
    const features = Number(operator.attributes["features"]);
    const [batch] = extentOf(graph, operator);
    return multiply(constant(features * (features - 1)), batch, number(operator, "width"));
  },
  Gather: zero,
  EmbeddingBag: zero,
  RmsNorm: zero,
  LayerNorm: zero,
  Rotary: zero,
  Activation: zero,
  Add: zero,
  Multiply: zero,
  Concat: zero,
  Combine: zero,
  TopK: zero,
  Merge: zero,
  Pool: zero,
  WriteState: zero,
};

/** Scores and mixture of values. */
function attention(graph: Graph, operator: Operator): Expression {
  const [items, length] = extentOf(graph, operator);
  const perPair = add(number(operator, "headDim"), number(operator, "valueDim"));
  return multiply(constant(2), items, pairsOf(operator, length), number(operator, "heads"), perPair);
}

/**
 * Keys and values expanded from the latent vectors of all tokens, or the expansion absorbed into queries and outputs, whichever is less.
 * Source: DeepSeek-V2, arXiv 2405.04434, 2.1.2.
 */
function latentAttention(graph: Graph, operator: Operator): Expression {
  const [items, length] = extentOf(graph, operator);
  const [heads, rank, plain, rotated, value] = ["heads", "kvRank", "plainDim", "rotatedDim", "valueDim"].map((name) =>
    number(operator, name),
  );
  const expansion = multiply(heads!, rank!, add(plain!, value!));
  const pairs = multiply(pairsOf(operator, length), heads!);
  const expanded = add(multiply(symbol(CONTEXT), expansion), multiply(pairs, add(plain!, rotated!, value!)));
  const absorbed = add(multiply(length, expansion), multiply(pairs, add(rank!, rotated!, rank!)));
  return multiply(constant(2), items, minimum(expanded, absorbed));
}

/** Scores of all tokens by every head of an indexer, and their weighted sum. Source: DeepSeek-V3.2, arXiv 2512.02556, equation 1. */
function chooseTokens(graph: Graph, operator: Operator): Expression {
  const [items, length] = extentOf(graph, operator);
  const perHead = add(number(operator, "headDim"), constant(1));
  return multiply(constant(2), items, pairsOf(operator, length), number(operator, "heads"), perHead);
}

function outputOf(graph: Graph, operator: Operator): Expression {
  return elementCount(tensorsOf(graph, operator.outputs)[0]?.shape);
}

/** Sequences and positions of each. */
function extentOf(graph: Graph, operator: Operator): readonly [Expression, Expression] {
  const [items, length] = must(tensorsOf(graph, operator.outputs)[0]?.shape, "an output has a shape");
  return [must(items, "an output has sequences"), length ?? constant(1)];
}

function number(operator: Operator, attribute: string): Expression {
  return constant(Number(operator.attributes[attribute]));
}

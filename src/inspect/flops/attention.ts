import { add, constant, constantOf, type Expression, equal, multiply, subtract } from "../../graph/ir/expression.ts";
import { quotientOf } from "../../graph/shapes/size-arithmetic.ts";
import { queriesByKeys } from "../attention-pairs.ts";
import type { FlopRule } from "./flop-rule.ts";
import { attributeNumber, multiplyAdds, outputShape, shapeAt } from "./operands.ts";

type Shape = readonly Expression[];

/** What a query meets: keys that were there before the run, and those of the run. */
interface Lengths {
  readonly tokens: Expression;
  readonly past: Expression | undefined;
  /** New keys, where they are not those of the queries' own tokens. */
  readonly keys: Expression;
  readonly isCausal: boolean;
  /** Keys a query sees, itself included; undefined for all. */
  readonly window?: number | undefined;
}

/** Lengths of more terms make formulas without end. */
const MAX_TERMS = 8;

/** Pairs of a query and a key of one sequence: exact under a causal mask, all where there is none. Masks that are data cannot be known. */
function pairs({ tokens, past, keys, isCausal, window }: Lengths): Expression | undefined {
  const context = past === undefined ? keys : add(past, keys);
  if (tokens.terms.length > MAX_TERMS || context.terms.length > MAX_TERMS) return undefined;
  return isCausal && equal(tokens, keys) ? queriesByKeys({ tokens, context, window }) : multiply(tokens, context);
}

/** Scores and mixture of values: both widths are summed over heads. */
function scoresAndMixture(
  batch: Expression,
  count: Expression | undefined,
  widths: readonly (Expression | undefined)[],
): Expression | undefined {
  return count !== undefined && widths.every((width) => width !== undefined) ? multiplyAdds([batch, count, add(...widths)]) : undefined;
}

/** Query, key and value apart or packed. Source: ONNX Runtime, docs/ContribOperators.md, MultiHeadAttention. */
export const multiHead: FlopRule = (graph, operator) => {
  const [query, key, , , , , pastKey] = [0, 1, 2, 3, 4, 5, 6].map((place) => shapeAt(graph, operator, place));
  const out = outputShape(graph, operator);
  if ((query?.length !== 3 && query?.length !== 5) || out?.length !== 3) return undefined;
  const [batch, tokens] = [query[0]!, query[1]!];
  const isHeaded = key?.length === 4;
  const keys = isHeaded ? key[2]! : key?.length === 3 ? key[1]! : tokens;
  const past = isHeaded ? undefined : pastKey?.[2];
  const isCausal = attributeNumber(operator, "unidirectional", 0) !== 0;
  const width = query.length === 3 ? query[2] : multiply(constant(attributeNumber(operator, "num_heads", 0)), query.at(-1)!);
  return scoresAndMixture(batch, pairs({ tokens, past, keys, isCausal }), [width, out[2]]);
};

/**
 * Grouped queries under a causal mask, with a window where it has one. Where past and present share a buffer of fixed size, all of it is met.
 * Source: ONNX Runtime, docs/ContribOperators.md, GroupQueryAttention.
 */
export const groupQuery: FlopRule = (graph, operator) => {
  const [query, key, , pastKey] = [0, 1, 2, 3].map((place) => shapeAt(graph, operator, place));
  const out = outputShape(graph, operator);
  if (query?.length !== 3 || out?.length !== 3) return undefined;
  const [batch, tokens] = [query[0]!, query[1]!];
  const keys = key?.length === 3 ? key[1]! : tokens;
  const window = attributeNumber(operator, "local_window_size", -1);
  const before = pastKey?.[2];
  const buffer = before !== undefined && constantOf(before) !== undefined && constantOf(before) !== 0;
  const past = buffer ? subtract(before, keys) : before;
  const count = pairs({ tokens, past, keys, isCausal: true, window: window > 0 ? window : undefined });
  return scoresAndMixture(batch, count, [out[2], out[2]]);
};

/**
 * Projects x [B, S, W] with one matrix [W, all heads of queries, keys and values], then attends.
 * Source: ONNX Runtime, docs/ContribOperators.md, Attention and QAttention.
 */
export function projected(pastAt: number): FlopRule {
  return (graph, operator) => {
    const [x, weights, past] = [0, 1, pastAt].map((place) => shapeAt(graph, operator, place));
    const out = outputShape(graph, operator);
    if (x?.length !== 3 || weights?.length !== 2 || out?.length !== 3) return undefined;
    const [batch, tokens] = [x[0]!, x[1]!];
    const isCausal = attributeNumber(operator, "unidirectional", 0) !== 0;
    const count = pairs({ tokens, past: past?.length === 5 ? past[3] : undefined, keys: tokens, isCausal });
    const sizes = operator.attributes["qkv_hidden_sizes"];
    const queries = Array.isArray(sizes) ? constant(Number(sizes[0])) : quotientOf([weights[1]!], [constant(3)]);
    const projection = multiplyAdds([batch, tokens, ...weights]);
    const attention = scoresAndMixture(batch, count, [queries, out[2]]);
    return projection && attention && add(projection, attention);
  };
}

/** One new token a sequence against what is kept. Source: ONNX Runtime, docs/ContribOperators.md, DecoderMaskedMultiHeadAttention. */
export const decoderMasked: FlopRule = (graph, operator) => {
  const [query, key, value, , , pastKey] = [0, 1, 2, 3, 4, 5].map((place) => shapeAt(graph, operator, place));
  if (query?.length !== 3) return undefined;
  const isHeaded = key?.length === 4;
  const before = pastKey?.length === 4 ? pastKey[2] : undefined;
  const shares = attributeNumber(operator, "past_present_share_buffer", 0) !== 0;
  const past = isHeaded || before === undefined ? undefined : shares ? subtract(before, query[1]!) : before;
  const keys = isHeaded ? key[2]! : (key?.[1] ?? query[1]!);
  const heads = constant(attributeNumber(operator, "num_heads", 0));
  const values = value?.length === 4 ? multiply(heads, value[3]!) : (value?.[2] ?? query[2]);
  return scoresAndMixture(query[0]!, pairs({ tokens: query[1]!, past, keys, isCausal: false }), [query[2], values]);
};

/**
 * Attention of the standard: [B, heads, S, D] or [B, S, heads·D]. A causal mask over keys of other tokens begins at the first of them.
 * Source: ONNX operator spec, Attention (operator set 23).
 */
export const standard: FlopRule = (graph, operator) => {
  const [query, key, value, , pastKey] = [0, 1, 2, 3, 4].map((place) => shapeAt(graph, operator, place));
  const out = outputShape(graph, operator);
  if (![query, key, value, out].every((shape) => shape?.length === 3 || shape?.length === 4)) return undefined;
  const isCausal = attributeNumber(operator, "is_causal", 0) !== 0;
  const lengths = { tokens: lengthOf(query!), past: pastKey?.[2], keys: lengthOf(key!), isCausal };
  return scoresAndMixture(query![0]!, pairs(lengths), [widthOf(query!), widthOf(out!)]);
};

function lengthOf(shape: Shape): Expression {
  return shape.length === 4 ? shape[2]! : shape[1]!;
}

function widthOf(shape: Shape): Expression {
  return shape.length === 4 ? multiply(shape[1]!, shape[3]!) : shape[2]!;
}

import { add, constant, constantOf, type Expression, multiply } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { type Call, integer, integers, type Rule } from "../rule.ts";
import { greater, quotientOf } from "../size-arithmetic.ts";
import { typeOf } from "./elementwise.ts";

type Shape = readonly Expression[];

/**
 * Output [B, S, V], present keys and values [B, KV, total, D].
 *
 * Model: where past and present share one buffer, its size stays; else the present is as long as past and new tokens together. ONNX Runtime
 * returns a present as long as the greater of `total_sequence_length` and the past's own size. Source: ONNX Runtime contrib operators,
 * GroupQueryAttention.
 */
export const groupQueryAttention: Rule = (call) => {
  const [query, key, , pastKey, pastValue] = call.inputs;
  const type = typeOf([query]);
  const heads = integer(call, "num_heads", 0);
  const kvHeads = integer(call, "kv_num_heads", 0);
  const shape = query?.shape;
  if (shape?.length !== 3 || heads < 1 || kvHeads < 1) return [factOf(type, undefined), factOf(type, undefined), factOf(type, undefined)];
  const perHead = key === undefined ? heads + 2 * kvHeads : heads;
  const headDim = quotientOf([shape[2]!], [constant(perHead)]) ?? call.fresh("head");
  const past = pastKey?.shape?.[2];
  const total = call.inputs[6]?.value?.[0];
  const length = presentLength(call, { past, total, tokens: key?.shape?.[1] ?? shape[1]! });
  const present = [shape[0]!, constant(kvHeads), length, headDim];
  const width = multiply(constant(heads), headDim);
  return [
    factOf(type, [shape[0]!, shape[1]!, width]),
    factOf(typeOf([pastKey, query]), present),
    factOf(typeOf([pastValue, query]), present),
  ];
};

function presentLength(call: Call, sizes: { past: Expression | undefined; total: Expression | undefined; tokens: Expression }): Expression {
  if (sizes.past === undefined) return call.inputs[3] === undefined ? sizes.tokens : call.fresh("present");
  // The total is a number that only a run tells; without it past and new tokens are the only lengths there are.
  if (constantOf(sizes.past) === 0) return sizes.tokens;
  return sizes.total === undefined ? call.fresh("present") : greater(sizes.total, sizes.past);
}

/** Query, key and value apart, or packed. Source: ONNX Runtime contrib operators, MultiHeadAttention. */
export const multiHeadAttention: Rule = (call) => {
  const [query, key, value] = call.inputs;
  const [pastKey, pastValue] = [call.inputs[6], call.inputs[7]];
  const type = typeOf([query]);
  const heads = integer(call, "num_heads", 0);
  const shape = query?.shape;
  if (shape === undefined || heads < 1 || !(shape.length === 3 || shape.length === 5)) return [factOf(type, undefined)];
  const [batch, tokens] = [shape[0]!, shape[1]!];
  // Packed as [B, S, heads, 3, D].
  if (shape.length === 5) return [factOf(type, [batch, tokens, multiply(constant(heads), shape[4]!)])];
  const width = shape[2]!;
  const headDim = quotientOf([width], [constant(heads)]) ?? call.fresh("head");
  const v = value?.shape;
  const isHeaded = v?.length === 4;
  const valueDim = valueHead(v, heads) ?? headDim;
  const newTokens = isHeaded ? v[2]! : (key?.shape?.[1] ?? tokens);
  const grown = (past: Fact | undefined): Expression =>
    past?.shape?.length !== 4 || isHeaded ? newTokens : add(past.shape[2]!, newTokens);
  const present = (past: Fact | undefined, size: Expression): Shape => [batch, constant(heads), grown(past), size];
  return [
    factOf(type, [batch, tokens, multiply(constant(heads), valueDim)]),
    factOf(type, present(pastKey, headDim)),
    factOf(type, present(pastValue, valueDim)),
  ];
};

/**
 * One new token: output like the query, as wide as the values are; present keys and values [B, heads, past + 1, D], or the past's own buffer.
 *
 * Source: ONNX Runtime contrib operators, DecoderMaskedMultiHeadAttention.
 */
export const decoderMaskedAttention: Rule = (call) => {
  const [query, , value, , , pastKey, pastValue] = call.inputs;
  const type = typeOf([query]);
  const shape = query?.shape;
  const heads = integer(call, "num_heads", 0);
  const valueDim = heads < 1 ? undefined : valueHead(value?.shape, heads);
  if (shape?.length !== 3 || heads < 1) return [factOf(type, undefined)];
  const width = valueDim === undefined ? shape[2]! : multiply(constant(heads), valueDim);
  const shares = integer(call, "past_present_share_buffer", 0) !== 0;
  const present = (past: Fact | undefined): Fact => {
    const grown = past?.shape?.map((size, axis) => (axis === 2 && !shares ? add(size, shape[1]!) : size));
    return factOf(typeOf([past, query]), past?.shape?.length === 4 ? grown : undefined);
  };
  return [factOf(type, [shape[0]!, shape[1]!, width]), present(pastKey), present(pastValue)];
};

/** Size of a value head: [B, heads, S, D] or [B, S, heads·D]. */
function valueHead(value: Shape | undefined, heads: number): Expression | undefined {
  if (value?.length === 4) return value[3];
  return value?.length === 3 ? quotientOf([value[2]!], [constant(heads)]) : undefined;
}

/**
 * Projects and attends: x [B, S, W] × [W, 3·H·D] → [B, S, H·D] and present [2, B, heads, total, D].
 *
 * Source: ONNX Runtime contrib operators, Attention and QAttention.
 */
export function projectedAttention(bias: number, pastAt: number): Rule {
  return (call) => {
    const [x, weight] = call.inputs;
    const past = call.inputs[pastAt];
    const type = typeOf([call.type === "QAttention" ? call.inputs[3] : x]);
    const heads = integer(call, "num_heads", 0);
    const all = call.inputs[bias]?.shape?.[0] ?? weight?.shape?.[1];
    if (x?.shape?.length !== 3 || all === undefined || heads < 1) return [factOf(type, undefined), factOf(type, undefined)];
    const sizes = integers(call, "qkv_hidden_sizes");
    const width = sizes?.[2] === undefined ? (quotientOf([all], [constant(3)]) ?? call.fresh("width")) : constant(sizes[2]);
    const [batch, tokens] = [x.shape[0]!, x.shape[1]!];
    const length = past?.shape?.length === 5 ? add(past.shape[3]!, tokens) : tokens;
    const present = [constant(2), batch, constant(heads), length, quotientOf([width], [constant(heads)]) ?? call.fresh("head")];
    return [factOf(type, [batch, tokens, width]), factOf(type, present)];
  };
}

/**
 * Attention of the standard: [B, heads, S, D] or [B, S, heads·D]; present keys and values [B, KV, past + S, D].
 *
 * Source: ONNX operator spec, Attention (operator set 23).
 */
export const standardAttention: Rule = (call) => {
  const [query, key, value, , pastKey, pastValue] = call.inputs;
  const type = typeOf([query]);
  const ranks = [query, key, value].map((each) => each?.shape?.length);
  if (!ranks.every((rank) => rank === 3 || rank === 4)) return [factOf(type, undefined)];
  const heads = constant(Math.max(1, integer(call, "q_num_heads", 1)));
  const kvHeads = constant(Math.max(1, integer(call, "kv_num_heads", 1)));
  const headed = (shape: Shape): Shape =>
    shape.length === 4 ? shape : [shape[0]!, kvHeads, shape[1]!, quotientOf([shape[2]!], [kvHeads]) ?? call.fresh("head")];
  const [k, v] = [headed(key!.shape!), headed(value!.shape!)];
  const present = (past: Fact | undefined, now: Shape): Shape =>
    now.map((size, axis) => (axis === 2 && past?.shape?.length === 4 ? add(past.shape[2]!, size) : size));
  const q = query!.shape!;
  const shape = q.length === 4 ? [...q.slice(0, 3), v[3]!] : [q[0]!, q[1]!, multiply(heads, v[3]!)];
  const presentKey = present(pastKey, k);
  const scores = q.length === 4 ? [...q.slice(0, 3), presentKey[2]!] : [q[0]!, heads, q[1]!, presentKey[2]!];
  return [factOf(type, shape), factOf(typeOf([key]), presentKey), factOf(typeOf([value]), present(pastValue, v)), factOf(type, scores)];
};

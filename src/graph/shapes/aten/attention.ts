import type { Expression } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { type AtenCall, type AtenRule, each, type RuleTable } from "./call.ts";

/** Shapes: [..., H, L, E] × [..., H', S, E] × [..., H', S, V] → [..., H, L, V]. Source: torch.nn.functional.scaled_dot_product_attention. */
function attended(call: AtenCall): { readonly result: Fact; readonly lead: readonly Expression[] | undefined } {
  const [query, key, value] = ["query", "key", "value"].map((name) => call.fact(name)?.shape);
  const type = call.fact("query")?.type ?? "unknown";
  if (query === undefined || key === undefined || value === undefined) return { result: factOf(type, undefined), lead: undefined };
  if (query.length < 2 || key.length < 2 || value.length < 2) call.fail("fewer than two dimensions");
  call.same(query.at(-1), key.at(-1), "width of query and key");
  call.same(key.at(-2), value.at(-2), "length of key and value");
  return { result: factOf(type, [...query.slice(0, -1), value.at(-1)!]), lead: query.slice(0, -1) };
}

const attention: AtenRule = (call) => [attended(call).result];

/** Fused kernels also give the logarithm of the sums, and what their backward pass needs. */
const fused: AtenRule = (call) => {
  const { result, lead } = attended(call);
  return [result, call.type.endsWith("_for_cpu") ? factOf(result.type === "f32" ? "f32" : "unknown", lead) : undefined];
};

/** Shapes: x [steps, batch, in] or turned; states [layers · directions, batch, hidden]. Source: torch.nn.LSTM and GRU. */
const recurrent: AtenRule = (call) => {
  const x = call.fact("input")?.shape;
  const states = call.type === "lstm" ? call.facts("hx") : [call.fact("hx")];
  const hidden = states[0]?.shape?.at(-1);
  const type = call.fact("input")?.type ?? "unknown";
  const isBoth = call.flag("bidirectional", false);
  const output =
    x !== undefined && hidden !== undefined && !isBoth && call.type === "gru" ? factOf(type, [...x.slice(0, -1), hidden]) : undefined;
  return [output, ...states];
};

export const ATTENTION: RuleTable = {
  scaled_dot_product_attention: attention,
  _scaled_dot_product_attention_math: (call) => [attended(call).result, undefined],
  ...each("_scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention", fused),
  ...each("_scaled_dot_product_cudnn_attention", fused),
  ...each("lstm gru", recurrent),
};

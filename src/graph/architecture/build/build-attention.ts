import { constant, type Expression, minimum, symbol } from "../../ir/expression.ts";
import { CONTEXT, type TensorId } from "../../ir/graph.ts";
import type { Attention, Reach } from "../attention.ts";
import { elementwise, linear, norm } from "./products.ts";
import { operate, perPosition, type Site, state, weight } from "./site.ts";

export interface AttentionPlace {
  readonly width: number;
  readonly role: "decoder" | "encoder";
}

/** Products, norms and rotation of queries and keys, attention, output product. A decoder keeps keys and values. */
export function buildAttention(site: Site, block: Attention, x: TensorId, { width, role }: AttentionPlace): TensorId {
  const { heads, kvHeads, headDim, bias } = block;
  const queries = heads * headDim;
  const keys = kvHeads * headDim;
  const v = linear(site, "v", x, { inputs: width, outputs: keys, bias: bias.v });
  const q = prepared(site, block, "q", linear(site, "q", x, { inputs: width, outputs: queries, bias: bias.q }));
  const k = prepared(site, block, "k", linear(site, "k", x, { inputs: width, outputs: keys, bias: bias.k }));
  const inputs = [q, k, v];
  if (block.sinks) inputs.push(weight(site, "sinks", [heads]));
  const attributes = { heads, kvHeads, headDim, valueDim: headDim, ...reachOf(block.reach, role) };
  const name = "attention";
  const shape = perPosition(site, queries);
  const kept =
    role === "decoder"
      ? state(site, "kv", [constant(2), site.items, constant(kvHeads), keptTokens(block.reach), constant(headDim)])
      : undefined;
  const accesses = kept === undefined ? [] : [{ state: kept, mode: "append" } as const, { state: kept, mode: "read" } as const];
  const mixed = operate(site, "Attention", { name, inputs, shape, attributes, accesses });
  return linear(site, "o", mixed, { inputs: queries, outputs: width, bias: bias.o });
}

/** Queries or keys, normed and rotated where the block does that. */
function prepared(site: Site, block: Attention, name: "q" | "k", x: TensorId): TensorId {
  const groups = name === "q" ? block.heads : block.kvHeads;
  const columns = groups * block.headDim;
  let made = x;
  if (block.qkNorm !== "none") {
    made = norm({ ...site, norm: "rms" }, `${name}-norm`, made, block.qkNorm === "whole" ? { columns } : { columns, groups });
  }
  return block.rotary ? elementwise(site, "Rotary", `${name}-rotary`, [made], columns) : made;
}

/** Tokens whose keys and values a later token may still see. */
function keptTokens(reach: Reach): Expression {
  const context = symbol(CONTEXT);
  return reach.kind === "all" ? context : minimum(context, constant(reach.tokens));
}

function reachOf(reach: Reach, role: "decoder" | "encoder"): Readonly<Record<string, string | number>> {
  if (role === "encoder") return reach.kind === "all" ? { mask: "none" } : { mask: "squares", reach: reach.tokens };
  return reach.kind === "all" ? { mask: "causal" } : { mask: reach.kind, reach: reach.tokens };
}

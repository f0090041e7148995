import { constant, symbol } from "../../ir/expression.ts";
import type { TensorId } from "../../ir/graph.ts";
import type { CrossAttention } from "../attention.ts";
import { ENCODED } from "../sizes.ts";
import { linear, norm } from "./products.ts";
import { operate, perPosition, type Site, state } from "./site.ts";

/** Keys and values of the encoder's output are written when an input is encoded, and read with every token. */
export function buildCrossAttention(
  site: Site,
  block: CrossAttention,
  x: TensorId,
  from: { readonly width: number; readonly memory: TensorId },
): TensorId {
  const { heads, kvHeads, headDim, bias, sourceLength, sourceWidth } = block;
  const columns = heads * headDim;
  const keys = kvHeads * headDim;
  const kept = state(site, "kv", [constant(2), site.items, constant(kvHeads), constant(sourceLength), constant(headDim)]);
  const source: Site = { ...site, items: symbol(ENCODED), length: constant(sourceLength) };
  const normed = (within: Site, name: "q" | "k", x: TensorId, groups: number): TensorId =>
    block.qkNorm === "none" ? x : norm({ ...within, norm: "rms" }, `${name}-norm`, x, { columns: groups * headDim, groups });
  const made = linear(source, "k", from.memory, { inputs: sourceWidth, outputs: keys, bias: bias.k });
  const k = normed(source, "k", made, kvHeads);
  const v = linear(source, "v", from.memory, { inputs: sourceWidth, outputs: keys, bias: bias.v });
  const written = operate(source, "WriteState", {
    name: "kv-write",
    inputs: [k, v],
    shape: [constant(0)],
    accesses: [{ state: kept, mode: "write" }],
  });
  const q = normed(site, "q", linear(site, "q", x, { inputs: from.width, outputs: columns, bias: bias.q }), heads);
  const attributes = { heads, kvHeads, headDim, valueDim: headDim, mask: "source", source: sourceLength };
  const accesses = [{ state: kept, mode: "read" } as const];
  const mixed = operate(site, "Attention", {
    name: "attention",
    inputs: [q, written],
    shape: perPosition(site, columns),
    attributes,
    accesses,
  });
  return linear(site, "o", mixed, { inputs: columns, outputs: from.width, bias: bias.o });
}

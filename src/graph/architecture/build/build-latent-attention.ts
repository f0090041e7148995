import { constant, symbol } from "../../ir/expression.ts";
import { CONTEXT, type TensorId } from "../../ir/graph.ts";
import type { LatentAttention } from "../attention.ts";
import { elementwise, linear, norm } from "./products.ts";
import { operate, perPosition, type Site, state, weight } from "./site.ts";

/** The latent vector and one rotated key a token are kept; what expands them to heads is part of the attention operator. */
export function buildLatentAttention(site: Site, block: LatentAttention, x: TensorId, { width }: { readonly width: number }): TensorId {
  const { heads, kvRank, plainDim, rotatedDim, valueDim, bias } = block;
  const q = elementwise(site, "Rotary", "q-rotary", [queriesOf(site, block, x, width)], heads * (plainDim + rotatedDim));
  const down = linear(site, "kv-down", x, { inputs: width, outputs: kvRank + rotatedDim, bias });
  const latent = norm(site, "kv-norm", down, { columns: kvRank });
  const key = elementwise(site, "Rotary", "k-rotary", [down], rotatedDim);
  const kept = state(site, "kv", [site.items, symbol(CONTEXT), constant(kvRank + rotatedDim)]);
  const expand = weight(site, "kv-up", [heads * (plainDim + valueDim), kvRank]);
  const mixed = operate(site, "LatentAttention", {
    name: "attention",
    inputs: [q, latent, key, expand],
    shape: perPosition(site, heads * valueDim),
    attributes: { heads, kvRank, plainDim, rotatedDim, valueDim, mask: "causal" },
    accesses: [
      { state: kept, mode: "append" },
      { state: kept, mode: "read" },
    ],
  });
  return linear(site, "o", mixed, { inputs: heads * valueDim, outputs: width, bias });
}

function queriesOf(site: Site, block: LatentAttention, x: TensorId, width: number): TensorId {
  const { heads, queryRank, plainDim, rotatedDim, bias } = block;
  const outputs = heads * (plainDim + rotatedDim);
  if (queryRank === undefined) return linear(site, "q", x, { inputs: width, outputs });
  const down = linear(site, "q-down", x, { inputs: width, outputs: queryRank, bias });
  return linear(site, "q-up", norm(site, "q-norm", down, { columns: queryRank }), { inputs: queryRank, outputs });
}

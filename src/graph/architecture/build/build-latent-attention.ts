import { constant, symbol } from "../../ir/expression.ts";
import { CONTEXT, type TensorId } from "../../ir/graph.ts";
import type { LatentAttention } from "../attention.ts";
import { buildIndexer, type LastChoice } from "./build-indexer.ts";
import { elementwise, linear, norm } from "./products.ts";
import { operate, perPosition, type Site, state, weight } from "./site.ts";

export interface LatentPlace {
  readonly width: number;
  readonly lastChoice: LastChoice;
}

/** The latent vector and one rotated key a token are kept; what expands them to heads is part of the attention operator. */
export function buildLatentAttention(site: Site, block: LatentAttention, x: TensorId, { width, lastChoice }: LatentPlace): TensorId {
  const { heads, queryRank, kvRank, plainDim, rotatedDim, valueDim, bias, indexer } = block;
  const ranked = queryRank === undefined ? undefined : rankedQueries(site, x, { inputs: width, outputs: queryRank, bias });
  const columns = heads * (plainDim + rotatedDim);
  const expanded =
    ranked === undefined || queryRank === undefined
      ? linear(site, "q", x, { inputs: width, outputs: columns })
      : linear(site, "q-up", ranked, { inputs: queryRank, outputs: columns });
  const q = elementwise(site, "Rotary", "q-rotary", [expanded], columns);
  const down = linear(site, "kv-down", x, { inputs: width, outputs: kvRank + rotatedDim, bias });
  const latent = norm(site, "kv-norm", down, { columns: kvRank });
  const key = elementwise(site, "Rotary", "k-rotary", [down], rotatedDim);
  const kept = state(site, "kv", [site.items, symbol(CONTEXT), constant(kvRank + rotatedDim)]);
  const expand = weight(site, "kv-up", [heads * (plainDim + valueDim), kvRank]);
  const inputs = [q, latent, key, expand];
  if (indexer !== undefined && ranked !== undefined && queryRank !== undefined)
    inputs.push(buildIndexer(site, indexer, { x, queries: ranked, queryRank, width }, lastChoice));
  const mask = indexer === undefined ? { mask: "causal" } : { mask: "chosen", reach: indexer.chosen };
  const mixed = operate(site, "LatentAttention", {
    name: "attention",
    inputs,
    shape: perPosition(site, heads * valueDim),
    attributes: { heads, kvRank, plainDim, rotatedDim, valueDim, ...mask },
    accesses: [
      { state: kept, mode: "append" },
      { state: kept, mode: "read" },
    ],
  });
  return linear(site, "o", mixed, { inputs: heads * valueDim, outputs: width, bias });
}

function rankedQueries(
  site: Site,
  x: TensorId,
  sizes: { readonly inputs: number; readonly outputs: number; readonly bias: boolean },
): TensorId {
  return norm(site, "q-norm", linear(site, "q-down", x, sizes), { columns: sizes.outputs });
}

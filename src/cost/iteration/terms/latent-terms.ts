import type { LatentAttention } from "../../../graph/architecture/attention.ts";
import type { LatentAttentionQuery, SparseAttentionQuery } from "../../operator/operator-query.ts";
import { contextTerms, sumOverTensor } from "./attention-terms.ts";
import { type Site, STREAM_BYTES } from "./site.ts";
import type { Term } from "./term.ts";

/** A block of latent attention, projections and indexer included, as engines run it: every tensor rank has the whole indexer. */
export function latentTerms(site: Site, block: LatentAttention, repeat: number): readonly Term[] {
  const { cut, formats, perDecode, width } = site;
  const heads = block.heads / cut.tensor;
  const { kvRank, plainDim, rotatedDim, valueDim, indexer } = block;
  const kind =
    indexer === undefined
      ? ({ op: "latent-attention" } as const)
      : ({
          op: "sparse-attention",
          chosen: indexer.chosen,
          indexHeads: indexer.scores === "own" ? indexer.heads : 0,
          indexDim: indexer.headDim,
        } as const);
  type Query = LatentAttentionQuery | SparseAttentionQuery;
  const query = (phase: "prefill" | "decode", batch: number, tokens: number, context: number): Query => ({
    ...kind,
    phase,
    batch,
    tokens,
    context,
    heads,
    width,
    // Without a rank of their own, queries are one product: the rank that costs the same.
    queryRank: block.queryRank ?? Math.floor((width * heads * (plainDim + rotatedDim)) / (width + heads * (plainDim + rotatedDim))),
    kvRank,
    plainDim,
    rotatedDim,
    valueDim,
    type: formats.weights,
    ...(formats.blockScaled === true && formats.weights.startsWith("f8") && { blockScaled: true }),
    kvType: formats.kv,
  });
  const sizes = { tokenBytes: (kvRank + rotatedDim) * STREAM_BYTES, rowBytes: heads * kvRank * STREAM_BYTES };
  return [
    { name: "attention", repeat, over: "decode", queries: (batch, context) => [query("decode", batch, perDecode, context / cut.context)] },
    { name: "attention", repeat, over: "prefill", queries: (batch, tokens, context) => [query("prefill", batch, tokens, context)] },
    ...sumOverTensor(site, repeat),
    ...contextTerms(site, repeat, sizes),
  ];
}

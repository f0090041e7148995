import type { LayerTables } from "../../import/llmservingsim/layer-tables.ts";
import type { MeasuredTime } from "../../operator/physics/fit/fit-constants.ts";

/** Sizes of a decoder that its layer tables were measured with. */
export interface ProfiledDecoder {
  readonly width: number;
  readonly inner: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabulary: number;
  /** Devices that share each layer. */
  readonly shards: number;
}

const HALF_BYTES = 2;

/**
 * Layers of a table as operators: products by their weights, element-wise layers by the bytes they move, attention where a batch has one phase.
 *
 * Why not all: attention of mixed batches is two operators in one time. Experts are told by `experts` of the tables and need a router's sizes.
 */
export function layerOperators(tables: LayerTables, decoder: ProfiledDecoder): readonly MeasuredTime[] {
  const { width, inner, heads, kvHeads, headDim, vocabulary, shards } = decoder;
  const rows: MeasuredTime[] = [];
  const products: Readonly<Record<string, readonly [number, number]>> = {
    qkv_proj: [((heads + 2 * kvHeads) * headDim) / shards, width],
    o_proj: [width, (heads * headDim) / shards],
    gate_up_proj: [(2 * inner) / shards, width],
    down_proj: [width, inner / shards],
    lm_head: [vocabulary / shards, width],
  };
  // Elements moved a token: gate, up and result; input and residual, read and written; queries and keys, read and written.
  const streams: Readonly<Record<string, number>> = {
    act_fn: (3 * inner) / shards,
    layernorm: 4 * width,
    final_layernorm: 4 * width,
    rotary_emb: (2 * (heads + kvHeads) * headDim) / shards,
  };
  const dense = [...tables.dense, ...tables.perSequence.map(({ layer, sequences, ns }) => ({ layer, tokens: sequences, ns }))];
  for (const { layer, tokens, ns } of dense) {
    const sides = products[layer];
    const elements = streams[layer];
    if (sides !== undefined) rows.push({ query: { op: "product", m: tokens, n: sides[0], k: sides[1], type: "bf16" }, ns });
    else if (elements !== undefined) rows.push({ query: { op: "stream", bytes: tokens * elements * HALF_BYTES }, ns });
  }
  const shared = { heads: heads / shards, kvHeads: kvHeads / shards, headDim, window: 0, kvType: "bf16" } as const;
  for (const { prefillTokens, prefillContext, decodes, decodeContext, ns } of tables.attention) {
    if (decodes === 0 && prefillTokens > 0) {
      rows.push({
        query: { op: "prefill-attention", batch: 1, tokens: prefillTokens, context: prefillContext, type: "bf16", ...shared },
        ns,
      });
    } else if (prefillTokens === 0 && decodes > 0 && decodeContext > 0) {
      rows.push({ query: { op: "decode-attention", batch: decodes, context: decodeContext, ...shared }, ns });
    }
  }
  return rows;
}

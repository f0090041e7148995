import { log2 } from "../../../../base/math.ts";
import type { DecodeAttentionQuery, PrefillAttentionQuery } from "../../operator-query.ts";
import { decodeWork, prefillWork } from "../../operator-work.ts";
import { type BaseShares, roughNs } from "../device-rates.ts";
import type { OperatorFamily } from "../operator-family.ts";

const SHARES: BaseShares = { compute: 0.6, memory: 0.85, exposed: 0.2, launchNs: 5000 };

type HeadShape = Pick<PrefillAttentionQuery, "heads" | "kvHeads" | "headDim" | "window" | "kvType" | "batch">;

const site = ({ heads, kvHeads, batch }: HeadShape): string => `${heads} ${kvHeads} ${batch}`;
const group = ({ heads, kvHeads, headDim }: HeadShape): string => `${heads} ${kvHeads} ${headDim}`;
const spanOf = (window: number): string => (window === 0 ? "" : `, window ${window}`);

/**
 * Prefill: sites are (heads, kv heads, batch), curves run over the new tokens. Batch and heads multiply: 4 sequences of 8 heads run much like 8 of 4.
 */
export const PREFILLS: OperatorFamily<PrefillAttentionQuery> = {
  name: "prefill-attention",
  table: ({ headDim, window, type, kvType }) => `${type}, kv ${kvType}, head ${headDim}${spanOf(window)}`,
  site,
  coordinates: ({ heads, kvHeads, batch }) => [0.1 * log2(heads), log2(batch * heads), 0.4 * log2(batch * kvHeads)],
  axis: ({ tokens }) => log2(tokens),
  group,
  baseNs: (query, rates) => roughNs(prefillWork(query), rates, SHARES),
  kernel: "rough",
};

/** Decode: sites as for prefill, curves run over the context. */
export const DECODES: OperatorFamily<DecodeAttentionQuery> = {
  name: "decode-attention",
  table: ({ headDim, window, kvType }) => `kv ${kvType}, head ${headDim}${spanOf(window)}`,
  site,
  coordinates: ({ heads, kvHeads, batch }) => [
    0.3 * log2(heads),
    0.5 * log2(kvHeads),
    0.4 * log2(batch * heads),
    0.7 * log2(batch * kvHeads),
  ],
  axis: ({ context }) => log2(context),
  group,
  baseNs: (query, rates) => roughNs(decodeWork(query), rates, SHARES),
  kernel: "rough",
};

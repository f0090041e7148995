import { log2 } from "../../../../base/math.ts";
import type { LatentAttentionQuery } from "../../operator-query.ts";
import { latentWork } from "../../operator-work.ts";
import { type BaseShares, roughNs } from "../device-rates.ts";
import type { KernelKind } from "../kernel.ts";
import type { OperatorFamily } from "../operator-family.ts";

/** A block is a dozen kernels; its least time is that of launching them. */
const SHARES: BaseShares = { compute: 0.6, memory: 0.8, exposed: 0.3, launchNs: 100_000 };

const latent = (phase: LatentAttentionQuery["phase"], kernel: KernelKind): OperatorFamily<LatentAttentionQuery> => ({
  name: `latent-attention ${phase}`,
  table: (query) => {
    const { type, blockScaled, attentionType, kvType, width, queryRank, kvRank, plainDim, rotatedDim, valueDim } = query;
    const types = `${type}${blockScaled === true ? " block-scaled" : ""}, attention ${attentionType ?? "bf16"}, kv ${kvType}`;
    return `${types}, ${width}/${queryRank}/${kvRank}/${plainDim}+${rotatedDim}/${valueDim}`;
  },
  site: ({ heads, batch }) => `${heads} ${batch}`,
  coordinates: ({ heads, batch }) => [log2(heads), log2(batch)],
  axis: ({ tokens, context }) => log2(phase === "prefill" ? tokens : context),
  group: ({ batch }) => `${batch}`,
  baseNs: (query, rates) => roughNs(latentWork(query), rates, SHARES),
  kernel,
});

/** Whole blocks of latent attention: sites are (heads, batch), curves run over new tokens (prefill) or context (decode). */
export const LATENT_PREFILLS: OperatorFamily<LatentAttentionQuery> = latent("prefill", "smooth");
export const LATENT_DECODES: OperatorFamily<LatentAttentionQuery> = latent("decode", "smooth");

import type { TermTables } from "./iteration-parts.ts";
import type { RankShare } from "./rank-share.ts";

/** Time of all terms of some tables for a share. */
export function tableNs(tables: TermTables, share: Readonly<RankShare>): number {
  let ns = tables.tokens(share.tokens) + tables.groupTokens(share.groupTokens) + tables.sequences(share.sequences);
  if (share.decodes > 0) ns += tables.decode(share.decodes, share.context);
  if (share.prompts > 0) {
    ns += tables.prefill(share.promptTokens, share.promptContext);
    if (share.prompts > 1) ns += (share.prompts - 1) * tables.prefillMore(share.promptTokens, share.promptContext);
  }
  return ns;
}

/** Operators that run for a share. */
export function kernelsOf({ kernels }: TermTables, share: Readonly<RankShare>): number {
  return kernels.always + (share.decodes > 0 ? kernels.decode : 0) + (share.prompts > 0 ? kernels.prefill : 0);
}

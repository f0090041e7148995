import type { Cut } from "./cut.ts";
import type { BatchShape } from "./iteration-cost.ts";

/** What the fullest device computes of an iteration in one pass over its layers. */
export interface RankShare {
  /** Parts a pipeline cuts the batch into. */
  batches: number;
  /** New tokens of a data-parallel rank, of all ranks together, and rows it samples. */
  tokens: number;
  groupTokens: number;
  sequences: number;
  /** Decoding sequences and their mean context. */
  decodes: number;
  context: number;
  /** Prompts, new tokens of each and tokens cached before them; prompts need not be whole. */
  prompts: number;
  promptTokens: number;
  promptContext: number;
}

/**
 * Shares an iteration among data-parallel ranks and pipeline parts.
 *
 * Model: decoding sequences spread evenly (rounded up); prompts go whole to a rank, so with fewer prompts than ranks the fullest has one of them;
 * prompts of unlike length stand for as many of their token-weighted mean length; context ranks share a prompt's tokens.
 */
export function rankShare(shape: Readonly<BatchShape>, cut: Cut, perDecode: number, into: RankShare): void {
  const sequences = shape.decodes + shape.prefills;
  const batches = Math.max(1, Math.min(cut.pipeline, sequences));
  const ways = cut.data * batches;
  into.batches = batches;
  into.decodes = ceilShare(shape.decodes, ways);
  into.context = shape.decodes > 0 ? shape.decodeContext / shape.decodes : 0;
  let promptTokens = 0;
  into.prompts = 0;
  into.promptTokens = 0;
  into.promptContext = 0;
  if (shape.prefillTokens > 0) {
    const spread = Math.max(1, Math.min(ways, shape.prefills));
    promptTokens = shape.prefillTokens / spread / cut.context;
    into.promptTokens = Math.min(promptTokens, shape.prefillSquares / shape.prefillTokens / cut.context);
    into.promptContext = shape.prefillContext / shape.prefillTokens;
    if (cut.context > 1) into.promptContext += (into.promptTokens * (cut.context - 1)) / 2;
    into.prompts = into.promptTokens > 0 ? promptTokens / into.promptTokens : 0;
  }
  into.tokens = promptTokens + into.decodes * perDecode;
  into.groupTokens = (shape.prefillTokens / cut.context + shape.decodes * perDecode) / batches;
  into.sequences = into.decodes * perDecode + ceilShare(shape.prefills, ways);
}

/** Share of the fullest of `ways`; whole where there are whole ones to share. */
function ceilShare(count: number, ways: number): number {
  const share = count / ways;
  return share >= 1 || count === 0 ? Math.ceil(share - 1e-9) : Math.min(1, count);
}

export function emptyShare(): RankShare {
  return { batches: 0, tokens: 0, groupTokens: 0, sequences: 0, decodes: 0, context: 0, prompts: 0, promptTokens: 0, promptContext: 0 };
}

import { type BatchShape, emptyBatch, type IterationCost } from "./iteration-cost.ts";

/** Clients that each send the next request when the last one has ended. */
export interface ClosedLoop {
  readonly clients: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Tokens of one iteration at most. */
  readonly maxBatchedTokens: number;
  /** Tokens of KV the replica holds; sequences beyond wait. */
  readonly kvTokens: number;
  /** Prompts are computed in iterations of their own, while decoding waits; otherwise beside it. */
  readonly prefillAlone: boolean;
  /** Data-parallel ranks that take a prompt each at the same time. */
  readonly ranks: number;
  /** Share of the prompts of others that fall into a sequence's decoding: 1 where arrivals are spread evenly, 1/2 where all begin at once. */
  readonly stallShare: number;
}

/** What a closed loop gives once it runs steadily. Times in ns. */
export interface ClosedLoopEstimate {
  /** Time per output token after the first. */
  readonly tpotNs: number;
  /** An iteration that only decodes. */
  readonly decodeNs: number;
  /** A prompt on an idle replica. */
  readonly prefillNs: number;
  /** Sequences that decode at once. */
  readonly batch: number;
  readonly outputTokensPerSecond: number;
}

/**
 * Mean time per output token of a closed loop, without events.
 *
 * Model: all clients that fit decode at their mean context; while a sequence takes its outputs, the others begin again once each, and their prompts
 * lengthen or halt its iterations. TTFT is not estimated: it contains the wait for a slot, and needs the event loop.
 * Complexity: a handful of iteration prices.
 */
export function estimateClosedLoop(cost: IterationCost, loop: ClosedLoop): ClosedLoopEstimate {
  const { promptTokens, outputTokens } = loop;
  const held = promptTokens + outputTokens;
  const batch = Math.max(1, Math.min(loop.clients, Math.floor(loop.kvTokens / held)));
  const context = promptTokens + outputTokens / 2;
  const decode = decoding(batch, context);
  const decodeNs = cost.iterationNs(decode);
  const together = Math.max(
    1,
    Math.min(Math.floor(loop.maxBatchedTokens / promptTokens), Math.max(loop.ranks, Math.floor(batch / outputTokens)), batch),
  );
  const beside = loop.prefillAlone ? emptyBatch() : decoding(Math.max(0, batch - together), context);
  const besideNs = cost.iterationNs(beside);
  let extra = 0;
  for (let done = 0; done < promptTokens; ) {
    const room = Math.max(1, loop.maxBatchedTokens - (loop.prefillAlone ? 0 : beside.decodes));
    const tokens = Math.min(promptTokens - done, Math.max(1, Math.floor(room / together)));
    extra += cost.iterationNs(withPrompts(beside, together, tokens, done)) - besideNs;
    done += tokens;
  }
  const stalls = (loop.stallShare * (batch - 1)) / outputTokens;
  const tpotNs = decodeNs + (stalls * extra) / together;
  const prefillNs = cost.iterationNs(withPrompts(emptyBatch(), 1, promptTokens, 0));
  const requestNs = prefillNs + tpotNs * (outputTokens - 1);
  return { tpotNs, decodeNs, prefillNs, batch, outputTokensPerSecond: (batch * outputTokens * 1e9) / requestNs };
}

function decoding(batch: number, context: number): BatchShape {
  return { ...emptyBatch(), decodes: batch, decodeContext: batch * context, decodeContextMax: context };
}

/** A batch with `count` prompts more, of `tokens` new tokens after `context` computed ones. */
function withPrompts(batch: BatchShape, count: number, tokens: number, context: number): BatchShape {
  return {
    ...batch,
    prefills: count,
    prefillTokens: count * tokens,
    prefillContext: count * tokens * context,
    prefillSquares: count * tokens * tokens,
  };
}

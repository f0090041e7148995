import type { StepShape } from "../../cost/step-cost.ts";
import type { BatchingChoice, BatchingContext, BatchingPolicy, BatchingView, RunningView } from "../batching.ts";

/** Smallest chunk worth a run of its own: below it the fixed costs of a prefill run dominate. */
const MIN_CHUNK_TOKENS = 16;

/**
 * Decodes first, then prefill chunks, first come first served; a chunk may lengthen the iteration of running streams to at most
 * `maxStepStretch` times a pure decode step.
 *
 * Why: Sarathi-Serve (Agrawal et al., OSDI 2024) bounds the stall of running streams by the size of the chunk; here the bound is in time, by the
 * cost model, because the devices differ.
 */
export const chunkedPrefill: BatchingPolicy = {
  name: "chunked-prefill",
  admit: (view) => view.waiting.slice(0, Math.max(0, view.maxSequences - view.openLanes)).map((waiting) => waiting.request),
  form,
  victim: (running) => newest(running)?.request,
};

function form(view: BatchingView, context: BatchingContext): BatchingChoice {
  // With several stages, each task takes its share of the streams, so that all stages have work.
  const share = Math.max(1, Math.ceil(view.decoding / view.stages));
  const decoding = view.running.filter((sequence) => sequence.decoding).slice(0, share);
  const prefilling = view.running.filter((sequence) => !sequence.decoding);
  const prefill: { request: number; tokens: number }[] = [];
  let budget = context.parameters.maxChunkTokens;
  for (const sequence of prefilling) {
    if (budget <= 0) break;
    const wanted = Math.min(sequence.remaining, budget);
    const tokens = view.decoding === 0 ? wanted : affordable(sequence, wanted, { decoding, context });
    prefill.push({ request: sequence.request, tokens });
    budget -= tokens;
    // One chunk an iteration while streams run: the bound is on the iteration, not on each chunk.
    if (view.decoding > 0) break;
  }
  return { decode: decoding.map((sequence) => sequence.request), prefill };
}

interface Streams {
  readonly decoding: readonly RunningView[];
  readonly context: BatchingContext;
}

/** Largest chunk, by bisection, whose iteration stays within the stretch; at least the minimum, so that prefill always proceeds. */
function affordable(sequence: RunningView, wanted: number, streams: Streams): number {
  const { parameters, cost } = streams.context;
  const decodeContexts = streams.decoding.map((decode) => decode.context);
  const price = (tokens: number): number => {
    const prefill = tokens === 0 ? [] : [{ count: tokens, context: sequence.context }];
    const shape: StepShape = { prefill, decodeContexts, sampledRows: decodeContexts.length };
    return cost.stageNs(0, shape);
  };
  if (decodeContexts.length === 0) return wanted;
  const limit = price(0) * parameters.maxStepStretch;
  const least = Math.min(wanted, MIN_CHUNK_TOKENS);
  if (price(wanted) <= limit) return wanted;
  let low = least;
  let high = wanted;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (price(middle) <= limit) low = middle;
    else high = middle;
  }
  return low;
}

function newest(running: readonly RunningView[]): RunningView | undefined {
  let best: RunningView | undefined;
  for (const sequence of running) if (best === undefined || sequence.order > best.order) best = sequence;
  return best;
}

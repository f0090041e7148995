import { chunkEnd } from "../../state/chunk-end.ts";
import type { BatchingChoice, BatchingContext, BatchingPolicy, BatchingView } from "../batching.ts";
import { type StepDraft, stepNs, streamsPerTask } from "./step-price.ts";

/** Smallest chunk worth a run of its own, and the step in which chunks are cut: below it the fixed costs of a prefill run dominate. */
const MIN_CHUNK_TOKENS = 16;

/**
 * Decodes first, then prefill chunks, first come first served; chunks may lengthen the iteration of running streams to at most
 * `maxStepStretch` times a pure decode step.
 *
 * Why: Sarathi-Serve (Agrawal et al., OSDI 2024) bounds the stall of running streams by the size of the chunk; here the bound is in time, by the
 * cost model, because the devices differ. With several stages each task takes its share of the streams where that keeps more stages busy.
 */
export const chunkedPrefill: BatchingPolicy<null> = {
  name: "chunked-prefill",
  initial: null,
  decide: (view, own, context) => ({ choice: choose(view, context), own }),
};

function choose(view: BatchingView, context: BatchingContext): BatchingChoice {
  const streams: number[] = [];
  const idle: { readonly request: number; readonly context: number }[] = [];
  const prompts: { readonly request: number; readonly context: number; readonly remaining: number }[] = [];
  for (let i = 0; i < view.running.length; i++) {
    const sequence = view.running.at(i);
    if (sequence.decoding) streams.push(sequence.context);
    if (sequence.inFlight) continue;
    if (sequence.decoding) idle.push(sequence);
    else prompts.push(sequence);
  }
  const decoding = idle.slice(0, streamsPerTask(context.cost, view.stages, streams));
  // Streams that another task works on are held up by a chunk as well.
  const step: StepDraft = {
    stages: view.stages,
    decodeContexts: decoding.length > 0 ? decoding.map((one) => one.context) : streams,
    prefill: [],
  };
  const chunks = new Chunks(step, context);
  for (const { request, context: start, remaining } of prompts) if (!chunks.add(request, start, remaining)) break;
  const admit: number[] = [];
  for (let i = 0; i < view.waiting.length && i < view.freeLanes && chunks.open; i++) {
    const { request, knownTokens, cachedTokens } = view.waiting.at(i);
    if (!chunks.add(request, cachedTokens, knownTokens - cachedTokens)) break;
    admit.push(request);
  }
  return { admit, preempt: [], decode: decoding.map((one) => one.request), prefill: chunks.rows };
}

/** The prefill rows of one iteration, within its token budget and the stretch allowed. */
class Chunks {
  readonly rows: { request: number; tokens: number }[] = [];
  open = true;
  #budget: number;
  readonly #step: StepDraft;
  readonly #context: BatchingContext;
  readonly #limitNs: number;

  constructor(step: StepDraft, context: BatchingContext) {
    this.#step = step;
    this.#context = context;
    this.#budget = context.parameters.maxChunkTokens;
    const streams = step.decodeContexts.length > 0;
    this.#limitNs = streams ? stepNs(context.cost, step) * context.parameters.maxStepStretch : Number.MAX_SAFE_INTEGER;
  }

  /** Adds as much of a prompt as fits; false when not even the smallest chunk does. After a cut chunk nothing more is added. */
  add(request: number, start: number, remaining: number): boolean {
    if (!this.open) return false;
    const known = start + remaining;
    const wanted = Math.min(chunkEnd(start, known, this.#context.parameters.maxChunkTokens) - start, this.#budget);
    const tokens = this.#affordable(start, wanted);
    this.open = tokens === remaining && tokens < this.#budget;
    if (tokens === 0) return false;
    this.rows.push({ request, tokens });
    this.#step.prefill.push({ count: tokens, context: start });
    this.#budget -= tokens;
    return true;
  }

  /** Largest chunk, by bisection over whole steps, that keeps the iteration within the limit. The first one has a least size, so that prefill proceeds. */
  #affordable(context: number, wanted: number): number {
    if (this.#fits(wanted, context)) return wanted;
    let low = this.rows.length === 0 ? 1 : 0;
    let high = Math.ceil(wanted / MIN_CHUNK_TOKENS);
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#fits(middle * MIN_CHUNK_TOKENS, context)) low = middle;
      else high = middle;
    }
    return Math.min(wanted, low * MIN_CHUNK_TOKENS);
  }

  #fits(tokens: number, context: number): boolean {
    if (this.#limitNs === Number.MAX_SAFE_INTEGER) return true;
    const { prefill } = this.#step;
    prefill.push({ count: tokens, context });
    const priced = stepNs(this.#context.cost, this.#step);
    prefill.pop();
    return priced <= this.#limitNs;
  }
}

import { toHeddleError } from "../base/heddle-error.ts";
import { eventQueue } from "../execute/front-end/event-queue.ts";
import type { TextFront } from "../execute/front-end/text-front.ts";
import type { TextEvent, TextRequest } from "../execute/front-end/text-request.ts";
import type { ServingMetrics } from "../telemetry/serving-metrics.ts";

/** An event of the prompt with this index. */
export interface ChoiceEvent {
  readonly index: number;
  readonly event: TextEvent;
}

export interface GenerationsOptions {
  readonly front: TextFront;
  readonly metrics: ServingMetrics;
  readonly signal: AbortSignal;
  /** When the body arrived, on `performance.now()`. */
  readonly arrivedMs: number;
}

const MS_PER_S = 1_000;

/** Generates for all prompts at once. The first failure cancels the others and is thrown. */
export async function* generations(
  requests: readonly TextRequest[],
  options: GenerationsOptions,
): AsyncGenerator<ChoiceEvent, void, undefined> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const events = eventQueue<ChoiceEvent>();
  let left = requests.length;
  const runOne = async (request: TextRequest, index: number): Promise<void> => {
    for await (const event of generate(request, { ...options, signal })) events.push({ index, event });
    left--;
    if (left === 0) events.end();
  };
  requests.forEach((request, index) => {
    runOne(request, index).catch((thrown: unknown) => {
      stop.abort();
      events.fail(toHeddleError(thrown));
    });
  });
  try {
    yield* events.drain();
  } finally {
    stop.abort();
  }
}

/** One generation, measured. */
async function* generate(request: TextRequest, options: GenerationsOptions): AsyncGenerator<TextEvent, void, undefined> {
  const { front, metrics, signal, arrivedMs } = options;
  let lastMs: number | undefined;
  const onToken = (): void => {
    const now = performance.now();
    metrics.count("generationTokens");
    if (lastMs === undefined) metrics.observe("ttft", (now - arrivedMs) / MS_PER_S);
    else metrics.observe("interToken", (now - lastMs) / MS_PER_S);
    lastMs = now;
  };
  for await (const event of front.generate(request, { signal, onToken })) {
    if (event.type === "end") {
      const { promptTokens, generated, cachedTokens } = event.usage;
      metrics.count("success", 1, { finished_reason: event.reason === "cancelled" ? "abort" : event.reason });
      metrics.count("promptTokens", promptTokens);
      metrics.count("prefixQueries", promptTokens);
      metrics.count("prefixHits", cachedTokens);
      metrics.observe("requestPrompt", promptTokens);
      metrics.observe("requestGeneration", generated);
      metrics.observe("endToEnd", (performance.now() - arrivedMs) / MS_PER_S);
    }
    yield event;
  }
}

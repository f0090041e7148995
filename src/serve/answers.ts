import { randomUUID } from "node:crypto";
import { must } from "../base/assert.ts";
import { HeddleError, toHeddleError } from "../base/heddle-error.ts";
import type { TokenUsage } from "../execute/fleet-host/token-request.ts";
import type { TokenText } from "../execute/front-end/text-request.ts";
import { type AnswerShape, type Choice, usageOf } from "./answer-shape.ts";
import { errorBody } from "./error-answer.ts";
import type { ChoiceEvent } from "./generations.ts";

export interface AnswerHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

const MS_PER_S = 1_000;

/** What all chunks of an answer begin with: a fresh id and the time in seconds, as OpenAI's API has them. */
export function answerHead(shape: AnswerShape, model: string): AnswerHead {
  return { id: `${shape.idPrefix}${randomUUID().replaceAll("-", "")}`, created: Math.floor(Date.now() / MS_PER_S), model };
}

type Events = AsyncGenerator<ChoiceEvent, void, undefined>;

/** The whole answer as one JSON document. Errors: those of the generations; `cancelled` where the client is gone. */
export async function wholeAnswer(events: Events, shape: AnswerShape, given: { head: AnswerHead; choices: number }): Promise<Response> {
  const texts = Array.from({ length: given.choices }, () => ({ text: "", tokens: [] as TokenText[] }));
  const choices: Choice[] = [];
  const usages: TokenUsage[] = [];
  for await (const { index, event } of events) {
    const so = must(texts[index], "an event belongs to a prompt");
    if (event.type === "piece") {
      so.text += event.text;
      so.tokens.push(...event.tokens);
    } else {
      if (event.reason === "cancelled") throw new HeddleError("cancelled");
      choices[index] = shape.whole(index, { ...so, reason: event.reason });
      usages.push(event.usage);
    }
  }
  const { id, created, model } = given.head;
  return Response.json({ id, object: shape.object, created, model, choices, usage: usageOf(usages), system_fingerprint: null });
}

export interface StreamOptions {
  readonly head: AnswerHead;
  readonly choices: number;
  /** A last chunk with the usage and no choice. */
  readonly includeUsage: boolean;
  /** Called when the client goes before the end. */
  readonly onGone: () => void;
}

/**
 * The answer as server-sent events. The first event is awaited before anything is sent, so that a request that is refused gets a plain error
 * with its status.
 */
export async function streamedAnswer(events: Events, shape: AnswerShape, options: StreamOptions): Promise<Response> {
  const first = await events.next();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      writeStream(controller, events, { first, shape, options }).catch(() => {
        // The client is gone and the stream closed under us.
        options.onGone();
      });
    },
    cancel: options.onGone,
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "x-accel-buffering": "no" },
  });
}

interface Streaming {
  readonly first: IteratorResult<ChoiceEvent, void>;
  readonly shape: AnswerShape;
  readonly options: StreamOptions;
}

async function writeStream(
  controller: ReadableStreamDefaultController<Uint8Array>,
  events: Events,
  { first, shape, options }: Streaming,
): Promise<void> {
  const encoder = new TextEncoder();
  const send = (data: string): void => controller.enqueue(encoder.encode(`data: ${data}\n\n`));
  const { id, created, model } = options.head;
  const usages: TokenUsage[] = [];
  const chunk = (choices: readonly Choice[], usage: unknown = null): void => {
    const whole = { id, object: shape.chunkObject, created, model, choices, system_fingerprint: null };
    send(JSON.stringify(options.includeUsage ? { ...whole, usage } : whole));
  };
  for (let index = 0; index < options.choices; index++) {
    const opening = shape.opening(index);
    if (opening !== undefined) chunk([opening]);
  }
  try {
    for (let next = first; next.done !== true; next = await events.next()) {
      const { index, event } = next.value;
      if (event.type === "piece") chunk([shape.piece(index, event)]);
      else {
        chunk([shape.closing(index, event.reason)]);
        usages.push(event.usage);
      }
    }
    if (options.includeUsage) chunk([], usageOf(usages));
    send("[DONE]");
  } catch (thrown) {
    // The status is sent already: the error comes as an event, and the stream ends without its mark.
    send(JSON.stringify(errorBody(toHeddleError(thrown))));
  }
  controller.close();
}

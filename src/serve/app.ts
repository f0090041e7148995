import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { HeddleError, toHeddleError } from "../base/heddle-error.ts";
import type { TextFront } from "../execute/front-end/text-front.ts";
import type { TextRequest } from "../execute/front-end/text-request.ts";
import type { ServingMetrics } from "../telemetry/serving-metrics.ts";
import type { AnswerShape } from "./answer-shape.ts";
import { answerHead, streamedAnswer, wholeAnswer } from "./answers.ts";
import type { ApiKeys } from "./api-keys.ts";
import { chatShape } from "./chat-shape.ts";
import { completionShape } from "./completion-shape.ts";
import { errorAnswer } from "./error-answer.ts";
import { fleetGauges } from "./fleet-gauges.ts";
import { generations } from "./generations.ts";
import { promptEncoder } from "./prompt-encoder.ts";
import { checkBody, readJsonObject } from "./read-body.ts";
import { type CommonBody, chatSchema, completionSchema } from "./request-schema.ts";
import { chatRequest, completionRequests } from "./text-requests.ts";

export interface ServedApp {
  readonly front: TextFront;
  readonly metrics: ServingMetrics;
  /** Without keys everybody may ask. */
  readonly keys: ApiKeys | undefined;
  readonly bodyBytesMax: number;
  readonly draining: () => boolean;
}

const MS_PER_S = 1_000;
const REQUEST_ID = "x-request-id";

/** The HTTP edge: OpenAI's paths, health, readiness and metrics. */
export function createApp(served: ServedApp): Hono {
  const { front, metrics } = served;
  const app = new Hono();
  const encoder = promptEncoder(front.tokenizer, front.contextLimit);
  const startedAt = Math.floor(Date.now() / MS_PER_S);
  const answerError = (error: HeddleError): Response => {
    metrics.count("rejected", 1, { code: error.code });
    return errorAnswer(error);
  };

  app.use(async (c, next) => {
    await next();
    c.res.headers.set(REQUEST_ID, requestId(c));
  });
  app.use("/v1/*", async (c, next) => {
    if (served.keys?.allows(c.req.header("authorization")) === false) return answerError(new HeddleError("unauthorized"));
    return next();
  });
  app.get("/health", () => new Response(null, { status: 200 }));
  app.get("/ready", () => readiness(served));
  app.get("/metrics", async () => {
    const text = await metrics.render(fleetGauges(front));
    return new Response(text, { headers: { "content-type": metrics.contentType } });
  });
  const model = { id: front.model, object: "model", created: startedAt, owned_by: "heddle", max_model_len: front.contextLimit };
  app.get("/v1/models", (c) => c.json({ object: "list", data: [model] }));
  app.get("/v1/models/:id{.+}", (c) => {
    if (c.req.param("id") === front.model) return c.json(model);
    return answerError(new HeddleError("model-unknown", { where: "model" }));
  });
  app.post("/v1/chat/completions", (c) =>
    answer(served, c, (raw) => {
      const body = checkBody(chatSchema, raw);
      checkModel(front, body);
      return { body, requests: [chatRequest(body, encoder)], shape: chatShape(front.tokenizer) };
    }),
  );
  app.post("/v1/completions", (c) =>
    answer(served, c, (raw) => {
      const body = checkBody(completionSchema, raw);
      checkModel(front, body);
      return { body, requests: completionRequests(body, encoder), shape: completionShape(front.tokenizer) };
    }),
  );
  app.notFound((c) => answerError(new HeddleError("not-found", { detail: `${c.req.method} ${c.req.path.slice(0, 200)}` })));
  app.onError((thrown) => answerError(toHeddleError(thrown)));
  return app;
}

interface Parsed {
  readonly body: CommonBody;
  readonly requests: readonly TextRequest[];
  readonly shape: AnswerShape;
}

async function answer(served: ServedApp, c: Context, parse: (raw: Record<string, unknown>) => Parsed): Promise<Response> {
  const { front, metrics } = served;
  if (served.draining()) throw new HeddleError("draining");
  const raw = await readJsonObject(c.req.raw, served.bodyBytesMax);
  const arrivedMs = performance.now();
  const { body, requests, shape } = parse(raw);
  const gone = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, gone.signal]);
  const events = generations(requests, { front, metrics, signal, arrivedMs });
  const head = answerHead(shape, front.model);
  if (body.stream !== true) return wholeAnswer(events, shape, { head, choices: requests.length });
  const includeUsage = body.stream_options?.include_usage === true;
  return streamedAnswer(events, shape, { head, choices: requests.length, includeUsage, onGone: () => gone.abort() });
}

function checkModel(front: TextFront, body: CommonBody): void {
  if (body.model === front.model) return;
  throw new HeddleError("model-unknown", { where: "model", detail: `${body.model.slice(0, 100)}; here is ${front.model}` });
}

/** Ready as soon as one replica is up; not while draining. */
function readiness({ front, draining }: ServedApp): Response {
  const up = front.fleet.status.filter(({ state }) => state === "up").length;
  const ready = up > 0 && !draining();
  return Response.json(
    { ready, draining: draining(), replicas: front.fleet.status.map(({ state }) => state) },
    { status: ready ? 200 : 503 },
  );
}

/** The client's id where it is one a log can hold, else a new one. */
function requestId(c: Context): string {
  const given = c.req.header(REQUEST_ID);
  return given !== undefined && /^[\x21-\x7e]{1,128}$/.test(given) ? given : randomUUID();
}

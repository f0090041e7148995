// Goal: the official client gets whole and streamed answers, usage with cached tokens, log-probabilities, and coded errors.
// Method: the `openai` package against the tiny model served by real hosts.
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiKeys } from "../../src/serve/api-keys.ts";
import { type TinyServer, tinyServer } from "../support/tiny-server.ts";

let server: TinyServer;
let client: OpenAI;
beforeAll(async () => {
  server = await tinyServer({ keys: apiKeys(["first", "second"]), contextLimit: 1024 });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "second", maxRetries: 0 });
});
afterAll(() => server.close());

const ask = { model: "tiny", messages: [{ role: "user" as const, content: "Hello there" }], temperature: 0, max_completion_tokens: 24 };

describe("chat", () => {
  it("streamed text is the whole text, with one role, one finish reason and usage at the end", async () => {
    const whole = await client.chat.completions.create(ask);
    const choice = whole.choices[0];
    expect(whole.object).toBe("chat.completion");
    expect(choice?.message.role).toBe("assistant");
    expect(whole.usage?.completion_tokens).toBeLessThanOrEqual(24);
    expect(whole.usage?.total_tokens).toBe((whole.usage?.prompt_tokens ?? 0) + (whole.usage?.completion_tokens ?? 0));

    const stream = await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } });
    let text = "";
    const reasons: string[] = [];
    const roles: string[] = [];
    let usage: unknown;
    for await (const chunk of stream) {
      expect(chunk.object).toBe("chat.completion.chunk");
      const [part] = chunk.choices;
      text += part?.delta.content ?? "";
      if (part?.delta.role) roles.push(part.delta.role);
      if (part?.finish_reason) reasons.push(part.finish_reason);
      if (chunk.usage) usage = chunk.usage;
    }
    expect(text).toBe(choice?.message.content);
    expect(text.length).toBeGreaterThan(0);
    expect(roles).toEqual(["assistant"]);
    expect(reasons).toEqual([choice?.finish_reason]);
    expect(usage).toMatchObject({ completion_tokens: whole.usage?.completion_tokens, prompt_tokens: whole.usage?.prompt_tokens });
  });

  it("a seed fixes a drawn answer", async () => {
    const drawn = { ...ask, temperature: 1, seed: 17 };
    const [one, two, other] = await Promise.all([drawn, drawn, { ...drawn, seed: 18 }].map((body) => client.chat.completions.create(body)));
    expect(two?.choices[0]?.message.content).toBe(one?.choices[0]?.message.content);
    expect(other?.choices[0]?.message.content).not.toBe(one?.choices[0]?.message.content);
  });

  it("log-probabilities name each token and its alternatives, likeliest first", async () => {
    const { choices } = await client.chat.completions.create({ ...ask, max_completion_tokens: 4, logprobs: true, top_logprobs: 3 });
    const content = choices[0]?.logprobs?.content ?? [];
    expect(content.length).toBeGreaterThan(0);
    for (const entry of content) {
      expect(entry.top_logprobs).toHaveLength(3);
      expect(entry.logprob).toBeCloseTo(entry.top_logprobs[0]?.logprob ?? Number.NaN, 6);
      const values = entry.top_logprobs.map(({ logprob }) => logprob);
      expect(values).toEqual([...values].sort((a, b) => b - a));
    }
  });

  it("a stop string ends the text before it", async () => {
    const whole = (await client.chat.completions.create(ask)).choices[0]?.message.content ?? "";
    const stop = whole.slice(5, 8);
    const { choices } = await client.chat.completions.create({ ...ask, stop: [stop] });
    expect(choices[0]?.message.content).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(choices[0]?.finish_reason).toBe("stop");
  });
});

describe("prefix cache", () => {
  it("the second request of a 600-token prefix reports it, and answers as a cold one does", async () => {
    const prefix = Array.from({ length: 600 }, (_, i) => 3 + ((i * 7919) % 250));
    const suffix = (n: number): number[] => Array.from({ length: 20 }, (_, i) => 3 + ((i * 31 + n * 17) % 250));
    const body = (n: number, salt: string) => ({
      model: "tiny",
      prompt: [...prefix, ...suffix(n)],
      max_tokens: 30,
      temperature: 0,
      logprobs: 0,
      cache_salt: salt,
    });
    const first = await client.completions.create(body(1, "warm"));
    const second = await client.completions.create(body(2, "warm"));
    const cold = await client.completions.create(body(2, "cold"));
    expect(first.usage?.prompt_tokens_details?.cached_tokens).toBe(0);
    expect(second.usage?.prompt_tokens_details?.cached_tokens).toBe(600);
    expect(cold.usage?.prompt_tokens_details?.cached_tokens).toBe(0);
    expect(second.choices[0]?.logprobs?.tokens).toEqual(cold.choices[0]?.logprobs?.tokens);
    expect(second.choices[0]?.text).toBe(cold.choices[0]?.text);
  });
});

describe("completions", () => {
  it("several prompts are several choices, whole and streamed", async () => {
    const body = { model: "tiny", prompt: ["One", "Two", "Three"], max_tokens: 6, temperature: 0 };
    const whole = await client.completions.create(body);
    expect(whole.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
    const texts = ["", "", ""];
    for await (const chunk of await client.completions.create({ ...body, stream: true })) {
      for (const choice of chunk.choices) texts[choice.index] += choice.text;
    }
    expect(texts).toEqual(whole.choices.map((choice) => choice.text));
  });
});

describe("errors", () => {
  const cases: [string, Record<string, unknown>, number, string, string | null][] = [
    ["unknown model", { model: "other" }, 404, "model-unknown", "model"],
    ["tools", { tools: [{ type: "function" }] }, 400, "request-unsupported", "tools"],
    ["two choices", { n: 2 }, 400, "request-unsupported", "n"],
    ["JSON schema", { response_format: { type: "json_object" } }, 400, "request-unsupported", "response_format"],
    ["temperature", { temperature: 9 }, 400, "request-invalid", "temperature"],
    ["role", { messages: [{ role: "robot", content: "x" }] }, 400, "request-invalid", "messages[0].role"],
    [
      "image",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
      400,
      "request-unsupported",
      "messages[0].content[0].type",
    ],
    ["no messages", { messages: [] }, 400, "request-invalid", "messages"],
    ["a bias on no token", { logit_bias: { 99999: 5 } }, 400, "request-invalid", "logit_bias"],
    ["too much output", { max_completion_tokens: 5000 }, 400, "prompt-too-long", null],
    ["long prompt", { messages: [{ role: "user", content: "word ".repeat(2000) }] }, 400, "prompt-too-long", null],
  ];
  it.each(cases)("%s", async (_name, fields, status, code, param) => {
    const failure: unknown = await client.chat.completions.create({ ...ask, ...fields } as typeof ask).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect(failure).toMatchObject({ status, code, param });
  });

  it("harmless unknown fields are ignored, and null is absent", async () => {
    const body = { ...ask, user: "u", metadata: { a: "b" }, made_up: 1, tools: [], n: 1, stop: null, response_format: { type: "text" } };
    expect((await client.chat.completions.create(body as typeof ask)).choices).toHaveLength(1);
  });

  it("a missing or wrong key is refused; health and readiness need none", async () => {
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(401);
    expect((await fetch(`${server.url}/v1/models`, { headers: { authorization: "Bearer third" } })).status).toBe(401);
    expect((await client.models.list()).data.map((model) => model.id)).toEqual(["tiny"]);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect((await fetch(`${server.url}/ready`)).status).toBe(200);
  });

  it("the body limit, broken JSON, unknown paths, and the request's id", async () => {
    const post = (body: string): Promise<Response> =>
      fetch(`${server.url}/v1/completions`, { method: "POST", body, headers: { authorization: "Bearer first", "x-request-id": "mine-1" } });
    const large = await post(JSON.stringify({ model: "tiny", prompt: "x".repeat(1_100_000) }));
    expect(large.status).toBe(413);
    const broken = await post("{");
    expect(broken.status).toBe(400);
    expect(broken.headers.get("x-request-id")).toBe("mine-1");
    expect(await broken.json()).toMatchObject({ error: { code: "request-invalid", type: "invalid_request_error" } });
    expect((await fetch(`${server.url}/nothing`)).status).toBe(404);
  });
});

describe("metrics", () => {
  it("count what was served", async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const value = (name: string): number => Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, "m").exec(text)?.[1]);
    expect(value("vllm:prefix_cache_hits_total")).toBeGreaterThanOrEqual(576);
    expect(value("vllm:generation_tokens_total")).toBeGreaterThan(100);
    expect(value("vllm:num_requests_running")).toBe(0);
    expect(text).toContain('heddle:requests_failed_total{model_name="tiny",code="unauthorized"} 2');
  });
});

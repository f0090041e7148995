// Goal: keys, bodies and errors of the edge do what they say at their borders. Method: each part alone, with cases by hand.
import { mkdtempSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../base/heddle-error.ts";
import { apiKeys, readApiKeys } from "./api-keys.ts";
import { errorAnswer, errorBody } from "./error-answer.ts";
import { checkAddress, checkBind } from "./http-server.ts";
import { checkBody, readJsonObject } from "./read-body.ts";
import { chatSchema, completionSchema } from "./request-schema.ts";

function failure(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("API keys", () => {
  it("allow each known key as a bearer and nothing else", () => {
    const keys = apiKeys(["one", "two"]);
    for (const header of ["Bearer one", "bearer two", "Bearer   two"]) expect(keys.allows(header)).toBe(true);
    for (const header of [undefined, "", "Bearer", "Bearer ", "Bearer three", "Basic one", "one", "Bearer one two"]) {
      expect(keys.allows(header)).toBe(false);
    }
  });

  it("come from a file, one a line", () => {
    const path = join(mkdtempSync(join(tmpdir(), "heddle-keys-")), "keys");
    writeFileSync(path, "# ours\n\n first \r\nsecond\n");
    const keys = readApiKeys(path);
    expect(["first", "second", "#", "# ours"].map((key) => keys.allows(`Bearer ${key}`))).toEqual([true, true, false, false]);
  });
});

describe("bodies", () => {
  const read = (body: string | Uint8Array | null, most = 100): Promise<unknown> =>
    readJsonObject(new Request("http://x", body === null ? { method: "POST" } : { method: "POST", body: body as string }), most).catch(
      (error: unknown) => error,
    );

  it("are objects within the limit, whether their length was announced or not", async () => {
    expect(await read('{"a":1}')).toEqual({ a: 1 });
    expect(await read("x".repeat(101))).toMatchObject({ code: "request-too-large" });
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(64)) });
    const request = new Request("http://x", { method: "POST", body: endless, duplex: "half" } as RequestInit);
    expect(await readJsonObject(request, 1_000).catch((error: unknown) => error)).toMatchObject({ code: "request-too-large" });
    for (const body of [null, "", "[1]", "null", "{", new Uint8Array([0x22, 0xff, 0x22])]) {
      expect(await read(body)).toMatchObject({ code: "request-invalid", where: "the body" });
    }
  });

  const chat = { model: "m", messages: [{ role: "user", content: "x" }] };
  const HARMLESS = {
    add_special_tokens: false,
    return_token_ids: false,
    vllm_xargs: {},
    stream_options: { continuous_usage_stats: false },
  };
  const wrong: [string, object, string, string][] = [
    ["model missing", { messages: chat.messages }, "request-invalid", "model"],
    ["top_p of 0", { ...chat, top_p: 0 }, "request-invalid", "top_p"],
    ["a biased word", { ...chat, logit_bias: { word: 1 } }, "request-invalid", "logit_bias.word"],
    ["a fractional seed", { ...chat, seed: 0.5 }, "request-invalid", "seed"],
    ["17 stop strings", { ...chat, stop: new Array(17).fill("x") }, "request-invalid", "stop"],
    ["a tool's answer", { ...chat, messages: [{ role: "tool", content: "x" }] }, "request-unsupported", "messages[0].role"],
    ["a grammar", { ...chat, guided_grammar: "x" }, "request-unsupported", "guided_grammar"],
    ["echo", { ...chat, echo: true }, "request-unsupported", "echo"],
    ["SGLang's grammars", { ...chat, regex: "a+" }, "request-unsupported", "regex"],
    ["an adapter", { ...chat, lora_path: "a" }, "request-unsupported", "lora_path"],
    ["token ids in the answer", { ...chat, return_token_ids: true }, "request-unsupported", "return_token_ids"],
    ["special tokens beside the template's", { ...chat, add_special_tokens: true }, "request-unsupported", "add_special_tokens"],
    [
      "usage with every chunk",
      { ...chat, stream: true, stream_options: { continuous_usage_stats: true } },
      "request-unsupported",
      "stream_options.continuous_usage_stats",
    ],
  ];
  it.each(wrong)("%s", (_name, body, code, where) => {
    expect(failure(() => checkBody(chatSchema, body as Record<string, unknown>))).toMatchObject({ code, where });
  });

  it("take every form of a prompt", () => {
    for (const prompt of ["x", ["x", "y"], [1, 2], [[1], [2, 3]]]) {
      expect(checkBody(completionSchema, { model: "m", prompt }).prompt).toEqual(prompt);
    }
    expect(failure(() => checkBody(completionSchema, { model: "m", prompt: "x", add_special_tokens: false }))).toMatchObject({
      code: "request-unsupported",
    });
    for (const prompt of [[], [[]], [1, "x"], {}, 7, [-1], [1.5]]) {
      expect(failure(() => checkBody(completionSchema, { model: "m", prompt }))).toMatchObject({
        code: "request-invalid",
        where: expect.stringMatching(/^prompt/),
      });
    }
  });

  it("count null as absent and ignore what is harmless", () => {
    const body = { ...chat, stop: null, tools: [], n: 1, response_format: { type: "text" }, store: true, whatever: { a: 1 }, ...HARMLESS };
    expect(checkBody(chatSchema, body)).toMatchObject(chat);
  });
});

describe("errors", () => {
  it("have OpenAI's form and the status of the table", async () => {
    const answer = errorAnswer(new HeddleError("queue-full"));
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await answer.json()).toMatchObject({ error: { type: "rate_limit_error", param: null, code: "queue-full" } });
    expect(errorBody(new HeddleError("request-invalid", { where: "top_p", detail: "must be above 0" })).error).toMatchObject({
      type: "invalid_request_error",
      param: "top_p",
    });
    expect(errorBody(new HeddleError("host-lost")).error.type).toBe("server_error");
  });
});

describe("the address", () => {
  it("is taken or free before anything is started, and free again afterwards", async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, "127.0.0.1", () => resolve((taken.address() as AddressInfo).port));
    });
    await expect(checkAddress({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "port-in-use", where: `127.0.0.1:${port}` });
    await new Promise((resolve) => taken.close(resolve));
    for (let again = 0; again < 2; again++) await checkAddress({ host: "127.0.0.1", port });
    await expect(checkAddress({ host: "0.0.0.0", port })).rejects.toMatchObject({ code: "insecure-bind" });
  });

  it("is loopback unless there are keys", () => {
    for (const host of ["127.0.0.1", "localhost", "::1"]) expect(() => checkBind({ host })).not.toThrow();
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "example.org"]) {
      expect(failure(() => checkBind({ host }))).toMatchObject({ code: "insecure-bind" });
      expect(() => checkBind({ host, keys: apiKeys(["k"]) })).not.toThrow();
    }
  });
});

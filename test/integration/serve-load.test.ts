// Goal: under overload and bad manners every connection gets exactly one answer, and nothing is left behind. Method: many raw HTTP connections
// against the tiny model with few places; clients that hang up; a drain with requests in flight.
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TinyServer, tinyServer } from "../support/tiny-server.ts";

let server: TinyServer;
beforeAll(async () => {
  server = await tinyServer({ maxSequences: 4, policy: { queueLimit: 32 } });
});
afterAll(() => server.close());

const body = (extra: Record<string, unknown> = {}): string =>
  JSON.stringify({ model: "tiny", prompt: [5, 6, 7, 8], max_tokens: 30, temperature: 0, ignore_eos: true, ...extra });

interface Got {
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** One connection of its own; resolves when the answer is whole. */
function post(url: string, text: string): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/completions`, { method: "POST", agent: false }, (answer) => {
      let got = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        got += part;
      });
      answer.on("end", () => resolve({ status: answer.statusCode, retryAfter: answer.headers["retry-after"], text: got }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(text);
  });
}

async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("a full queue", () => {
  it("200 connections at once: those that fit are answered, the rest get 429, none is lost", async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => post(server.url, body({ stream: i % 2 === 0 }))));
    const served = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    expect(served.length + refused.length).toBe(200);
    expect(served.length).toBeGreaterThanOrEqual(36);
    expect(refused.length).toBeGreaterThan(0);
    for (const { retryAfter, text } of refused) {
      expect(Number(retryAfter)).toBeGreaterThan(0);
      expect(JSON.parse(text)).toMatchObject({ error: { code: "queue-full", type: "rate_limit_error" } });
    }
    for (const { text } of served) {
      if (text.startsWith("data:")) expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
      else expect(JSON.parse(text)).toMatchObject({ usage: { completion_tokens: 30 } });
    }
    expect(server.fleet.live).toBe(0);
  });
});

describe("a client that hangs up", () => {
  it.each([true, false])("is no longer worked for (stream: %s)", async (stream) => {
    const sent = request(`${server.url}/v1/completions`, { method: "POST", agent: false });
    sent.on("error", () => undefined);
    sent.end(body({ stream, max_tokens: 1000 }));
    if (stream) await new Promise<void>((resolve) => sent.on("response", (answer) => answer.once("data", () => resolve())));
    else await settled(() => server.fleet.live === 1);
    sent.destroy();
    await settled(() => server.fleet.live === 0);
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(Number(/finished_reason="abort"\} (\d+)/.exec(text)?.[1])).toBeGreaterThanOrEqual(1);
  });
});

describe("a start", () => {
  it("is not ready until a host is up; what comes before waits", async () => {
    const other = await tinyServer({ waitUntilUp: false });
    const early = post(other.url, body());
    expect((await fetch(`${other.url}/ready`)).status).toBe(503);
    expect((await fetch(`${other.url}/health`)).status).toBe(200);
    expect(await early).toMatchObject({ status: 200 });
    expect((await fetch(`${other.url}/ready`)).status).toBe(200);
    await other.close();
  });
});

describe("a drain", () => {
  it("ends what is in flight, refuses what is new, and then listens no more", async () => {
    const other = await tinyServer();
    const early = post(other.url, body({ max_tokens: 400 }));
    await settled(() => other.fleet.live === 1);
    const drained = other.http.drain(20_000);
    expect((await fetch(`${other.url}/ready`)).status).toBe(503);
    expect(await post(other.url, body())).toMatchObject({ status: 503 });
    expect(JSON.parse((await early).text)).toMatchObject({ usage: { completion_tokens: 400 } });
    await drained;
    await expect(post(other.url, body())).rejects.toThrow();
    await other.fleet.close();
  });
});

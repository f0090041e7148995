// Goal: what a server did is counted right. Method: a small server whose pieces, tokens and faults are known; heddle's own server is measured in
// test/integration.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { toHeddleError } from "../../../base/heddle-error.ts";
import { measureEngine } from "./measure-engine.ts";
import { servedModels } from "./stream-completion.ts";

interface Asked {
  readonly prompt: string;
  readonly max_tokens: number;
  readonly ignore_eos: boolean;
}
type Answer = (asked: Asked, response: ServerResponse) => void;

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A server that counts 2 tokens a word and how many requests are open at once. */
async function fakeServer(answer: Answer): Promise<{ readonly url: string; readonly asked: Asked[]; most(): number }> {
  const asked: Asked[] = [];
  let now = 0;
  let most = 0;
  const server = createServer((request: IncomingMessage, response) => {
    if (request.url === "/v1/models") {
      response.end(JSON.stringify({ data: [{ id: "m" }] }));
      return;
    }
    now += 1;
    most = Math.max(most, now);
    response.on("close", () => {
      now -= 1;
    });
    let body = "";
    request.on("data", (bytes) => {
      body += String(bytes);
    });
    request.on("end", () => {
      const parsed = JSON.parse(body) as Asked;
      asked.push(parsed);
      // A turn of the event loop later, so that requests of several lanes are open together.
      setImmediate(() => answer(parsed, response));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, most: () => most };
}

const well: Answer = ({ prompt, max_tokens }, response) => {
  const words = prompt.split(" ").length;
  response.setHeader("content-type", "text/event-stream");
  for (let token = 0; token < max_tokens; token++) response.write(`data: ${JSON.stringify({ choices: [{ text: "x" }] })}\n\n`);
  const usage = { prompt_tokens: 1 + 2 * words, completion_tokens: max_tokens };
  response.end(`data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`);
};

const GRID = { promptTokens: [40, 200], outputTokens: [5], concurrencies: [1, 3], rounds: 2 };

describe("measuring a server from outside", () => {
  it("asks each point of the grid, with the lengths wanted and prompts of their own", async () => {
    const server = await fakeServer(well);
    const { points, model } = await measureEngine({ url: server.url, model: (await servedModels({ url: server.url }))[0]! }, GRID);
    expect(model).toBe("m");
    expect(
      points.map(({ concurrency, promptTokens, outputTokens, requests }) => [concurrency, promptTokens, outputTokens, requests]),
    ).toEqual([
      [1, 41, 5, 1],
      [3, 41, 5, 3],
      [1, 201, 5, 1],
      [3, 201, 5, 3],
    ]);
    expect(server.most()).toBe(3);
    const prompts = server.asked.map(({ prompt }) => prompt.slice(0, 11));
    expect(new Set(prompts).size).toBe(prompts.length);
    expect(server.asked.every(({ ignore_eos }) => ignore_eos)).toBe(true);
    for (const { ttftNs, e2eNs, outputTokensPerSecond } of points) {
      expect(ttftNs.p50).toBeGreaterThan(0);
      expect(e2eNs.p50).toBeGreaterThanOrEqual(ttftNs.p50);
      expect(outputTokensPerSecond).toBeGreaterThan(0);
    }
  });

  const faults: readonly [string, Answer, RegExp][] = [
    ["an HTTP error", (_asked, response) => response.writeHead(404).end("no such model"), /404: no such model/],
    [
      "no count of tokens",
      (_asked, response) => response.end(`data: {"choices":[{"text":"x"}]}\n\ndata: [DONE]\n\n`),
      /without a count of tokens/,
    ],
    [
      "no text",
      (_asked, response) => response.end(`data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":0}}\n\n`),
      /no text/,
    ],
    ["an error in the stream", (_asked, response) => response.end(`data: {"error":{"message":"full"}}\n\n`), /full/],
    ["no JSON", (_asked, response) => response.end("data: <html>\n\n"), /no JSON/],
  ];

  it.each(faults)("says what is wrong with %s", async (_fault, answer, expected) => {
    const server = await fakeServer(answer);
    const error = await measureEngine({ url: server.url, model: "m" }, GRID).then(() => undefined, toHeddleError);
    expect(error?.code).toBe("server-refused");
    expect(error?.message).toMatch(expected);
  });

  it("says that nobody answers", async () => {
    const error = await servedModels({ url: "http://127.0.0.1:1" }).then(() => undefined, toHeddleError);
    expect(error?.code).toBe("server-refused");
  });
});

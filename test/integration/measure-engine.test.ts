// Goal: heddle's own server can be measured like any other. Method: the tiny model behind HTTP, one point.
import { expect, it } from "vitest";
import { measureEngine } from "../../src/execute/calibrate/engine-kit/measure-engine.ts";
import { servedModels } from "../../src/execute/calibrate/engine-kit/stream-completion.ts";
import { tinyServer } from "../support/tiny-server.ts";

it("measures heddle's own server", async () => {
  const server = await tinyServer();
  try {
    const model = (await servedModels({ url: server.url }))[0]!;
    const grid = { promptTokens: [16], outputTokens: [4], concurrencies: [2], rounds: 2 };
    const { points } = await measureEngine({ url: server.url, model }, grid);
    expect(points).toHaveLength(1);
    expect(points[0]!.outputTokens).toBe(4);
    expect(points[0]!.requests).toBe(2);
  } finally {
    await server.close();
  }
}, 60_000);

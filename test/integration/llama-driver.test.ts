/**
 * Goal: a plan whose stage is llama.cpp serves what llama.cpp itself would say, to several streams at once. Method: real hosts against the peer,
 * greedy, token by token; the real model where it is in the local cache.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type LiveFleet, startLiveFleet } from "../../src/execute/fleet-host/live-fleet.ts";
import { createTextFront } from "../../src/execute/front-end/text-front.ts";
import { modelsFolder } from "../../src/execute/model-store/cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "../../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import { GREEDY } from "../../src/execute/sampling/sampling.ts";
import { loadTokenizer } from "../../src/graph/tokenizer/tokenizer.ts";
import { ask, tinyPrompt } from "../support/live-answers.ts";
import { loadPeer } from "../support/llama-peer.ts";
import { type TinyLiveOptions, tinyLive } from "../support/tiny-live.ts";

const TIMEOUT_MS = 180_000;
const path = join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");
const fleets: LiveFleet[] = [];
afterAll(() => Promise.all(fleets.map((fleet) => fleet.close())));

async function llamaFleet(options: TinyLiveOptions = {}): Promise<{ fleet: LiveFleet; plan: ReturnType<typeof tinyLive>["plan"] }> {
  const { plan, costs } = tinyLive({ driver: "llama", ...options });
  const fleet = startLiveFleet({ plan, costs });
  fleets.push(fleet);
  await fleet.up();
  return { fleet, plan };
}

test("eight streams of a tiny model get the peer's tokens, twice, and nothing is reused", { timeout: TIMEOUT_MS }, async () => {
  const { fleet, plan } = await llamaFleet();
  const prompts = Array.from({ length: 8 }, (_, i) => tinyPrompt(i + 1, 5 + 37 * i));
  const peer = await loadPeer(plan.model.path);
  const expected: number[][] = [];
  for (const prompt of prompts) expected.push(await peer.greedy(prompt, 30));
  await peer.dispose();
  for (let round = 0; round < 2; round++) {
    const asked = prompts.map((tokens) => ask(fleet, { tokens, maxNewTokens: 30 }));
    const outcomes = await Promise.all(asked.map((one) => one.outcome));
    expect(asked.map((one) => one.tokens)).toEqual(expected);
    expect(outcomes.map((one) => one.type === "finished" && one.usage.cachedTokens)).toEqual(prompts.map(() => 0));
  }
});

test("a cancelled stream frees its lane, and the next one begins anew", { timeout: TIMEOUT_MS }, async () => {
  const { fleet, plan } = await llamaFleet({ maxSequences: 1 });
  const first = ask(fleet, { tokens: tinyPrompt(21, 30), maxNewTokens: 900, onToken: (index, one) => index === 5 && one.live.cancel() });
  const next = ask(fleet, { tokens: tinyPrompt(22, 30), maxNewTokens: 9 });
  expect(await first.outcome).toMatchObject({ type: "finished", reason: "cancelled" });
  expect(await next.outcome).toMatchObject({ type: "finished", reason: "length" });
  const peer = await loadPeer(plan.model.path);
  expect(next.tokens).toEqual(await peer.greedy(tinyPrompt(22, 30), 9));
  await peer.dispose();
});

test("a penalty that multiplies logits is refused by name; one that is added is not", { timeout: TIMEOUT_MS }, async () => {
  const { fleet, plan } = await llamaFleet();
  const model = openDecoderModel(plan.model.path);
  const front = createTextFront(plan, fleet, loadTokenizer(model.tokenizer));
  const answer = async (sampling: Partial<typeof GREEDY>): Promise<number> => {
    const request = { tokens: tinyPrompt(3, 20), maxNewTokens: 4, sampling: { ...GREEDY, ...sampling }, salt: "", priority: 0, stop: [] };
    let events = 0;
    for await (const event of front.generate(request, { signal: new AbortController().signal })) events += event.type === "end" ? 0 : 1;
    return events;
  };
  await expect(answer({ repetitionPenalty: 1.2 })).rejects.toMatchObject({ code: "request-unsupported", where: "repetition_penalty" });
  expect(await answer({ frequencyPenalty: 0.5, temperature: 0.8, seed: 3, topLogprobs: 2 })).toBeGreaterThan(0);
});

test.skipIf(!existsSync(path))("SmolLM2 through the fleet answers like llama.cpp", { timeout: TIMEOUT_MS }, async () => {
  const { fleet } = await llamaFleet({ path, contextLimit: 512, maxSequences: 4 });
  const tokenizer = loadTokenizer(openDecoderModel(path).tokenizer);
  const texts = ["The capital of France is", "def fibonacci(n):", "Once upon a time, in a small village by the sea,"];
  const prompts = texts.map((text) => tokenizer.encode(text, { addSpecial: false }));
  const peer = await loadPeer(path, 512);
  const expected: number[][] = [];
  for (const prompt of prompts) expected.push(await peer.greedy(prompt, 48));
  await peer.dispose();
  const alone: (readonly number[])[] = [];
  for (const tokens of prompts) {
    const asked = ask(fleet, { tokens, maxNewTokens: 48 });
    await asked.outcome;
    alone.push(asked.tokens);
  }
  expect(alone).toEqual(expected);
});

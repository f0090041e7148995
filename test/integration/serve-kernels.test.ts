// Goal: a live fleet that prefills in graphs and decodes in heddle's own kernels answers alike alone, among neighbours, from cached prefixes and after
// preemption. Method: the tiny model in real hosts; left out where the machine has no kernels.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/assert.ts";
import { type LiveFleet, startLiveFleet } from "../../src/execute/fleet-host/live-fleet.ts";
import type { TokenUsage } from "../../src/execute/fleet-host/token-request.ts";
import { kernelRefusal } from "../../src/execute/kernels/kernel-module.ts";
import { GREEDY, type TokenLogprobs } from "../../src/execute/sampling/sampling.ts";
import { BLOCK_TOKENS } from "../../src/state/block.ts";
import { ask, tinyPrompt } from "../support/live-answers.ts";
import { type TinyLiveOptions, tinyLive } from "../support/tiny-live.ts";

/** Rounding of activations moves a log-probability of the tiny model by less; another text moves it by more. */
const NEAR = 0.3;
const fleets: LiveFleet[] = [];
afterAll(() => Promise.all(fleets.map((fleet) => fleet.close())));

async function fleetOf(options: TinyLiveOptions): Promise<LiveFleet> {
  const { plan, costs } = tinyLive({
    format: "int8-row",
    decodeFormat: "block-int8",
    model: { format: "Q4_1", embeddingFormat: "Q8_0" },
    ...options,
  });
  const fleet = startLiveFleet({ plan, costs });
  fleets.push(fleet);
  await fleet.up();
  return fleet;
}

async function answer(
  fleet: LiveFleet,
  tokens: readonly number[],
  maxNewTokens: number,
): Promise<{ tokens: readonly number[]; usage: TokenUsage }> {
  const asked = ask(fleet, { tokens, maxNewTokens });
  const outcome = await asked.outcome;
  expect(outcome).toMatchObject({ type: "finished", reason: "length", usage: { promptTokens: tokens.length, generated: maxNewTokens } });
  if (outcome.type !== "finished") throw new TypeError(outcome.error.message);
  return { tokens: asked.tokens, usage: outcome.usage };
}

/** Largest difference of a log-probability that two lists of likeliest tokens share; infinite where they share none. */
function distance(left: TokenLogprobs, right: TokenLogprobs): number {
  const shared = left.top.flatMap(({ token, logprob }) =>
    right.top.filter((one) => one.token === token).map((one) => Math.abs(one.logprob - logprob)),
  );
  return shared.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...shared);
}

describe.skipIf(kernelRefusal() !== undefined)("decoding in heddle's own kernels", () => {
  let fleet: LiveFleet;
  beforeAll(async () => {
    fleet = await fleetOf({});
  });

  test("a request alone and among 7 neighbours has the same tokens, cached or not", async () => {
    const prompts = Array.from({ length: 8 }, (_, i) => tinyPrompt(i, 40 + 21 * i));
    const alone = [];
    for (const tokens of prompts) alone.push(await answer(fleet, tokens, 30));
    expect(new Set(alone.flatMap(({ tokens }) => tokens)).size).toBeGreaterThan(30);
    const together = await Promise.all(prompts.map((tokens) => answer(fleet, tokens, 30)));
    expect(together.map(({ tokens }) => tokens)).toEqual(alone.map(({ tokens }) => tokens));
    const whole = (tokens: readonly number[]): number => Math.floor((tokens.length - 1) / BLOCK_TOKENS) * BLOCK_TOKENS;
    for (const [i, { usage }] of together.entries()) expect(usage.cachedTokens).toBeGreaterThanOrEqual(whole(prompts[i]!));
    // What decode steps wrote has numerics of its own: a prompt that goes on from it finds the first prompt's blocks, and no others.
    const longer = [...prompts[2]!, ...alone[2]!.tokens, ...tinyPrompt(9, 40)];
    const { usage } = await answer(fleet, longer, 1);
    expect(usage.cachedTokens).toBeGreaterThanOrEqual(BLOCK_TOKENS);
    expect(usage.cachedTokens).toBeLessThanOrEqual(prompts[2]!.length);
  });

  test.each(["block-int8", "int4"] as const)(
    "a chat goes on from the KV of its first answer where the plan lets prompts reuse what %s wrote, within its rounding",
    async (decodeFormat) => {
      const any = await fleetOf({ decodeFormat, policy: { kvReuse: "any" } });
      const prompt = tinyPrompt(31, 82);
      const first = await answer(any, prompt, 71);
      const turn = [...prompt, ...first.tokens, ...tinyPrompt(32, 20)];
      const sampling = { ...GREEDY, ignoreStop: true, topLogprobs: 5 };
      const next = async (tokens: readonly number[], salt: string) => {
        const asked = ask(any, { tokens, salt, maxNewTokens: 1, sampling });
        const outcome = await asked.outcome;
        if (outcome.type !== "finished") throw new TypeError(outcome.error.message);
        return { cached: outcome.usage.cachedTokens, told: must(asked.logprobs[0], "a token with its logprobs") };
      };
      const warm = await next(turn, "");
      const cold = await next(turn, "nobody else");
      const other = await next([...prompt, ...first.tokens.toReversed(), ...tinyPrompt(32, 20)], "nobody");
      expect([warm.cached, cold.cached]).toEqual([2 * BLOCK_TOKENS, 0]);
      expect(distance(warm.told, cold.told)).toBeLessThan(NEAR);
      expect(distance(other.told, cold.told)).toBeGreaterThan(NEAR);
    },
  );

  test("two stages give the tokens of one", async () => {
    const split = await fleetOf({ stages: 2 });
    const prompts = [tinyPrompt(21, 5), tinyPrompt(22, 130)];
    const expected = await Promise.all(prompts.map((tokens) => answer(fleet, tokens, 70)));
    const got = await Promise.all(prompts.map((tokens) => answer(split, tokens, 70)));
    expect(got.map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens));
  });

  test("sequences that need more pages than there are end all the same, each as far as nobody was preempted like the others", async () => {
    const tight = await fleetOf({ workingPages: 8, maxSequences: 4 });
    const prompts = [tinyPrompt(11, 60), tinyPrompt(12, 61), tinyPrompt(13, 62), tinyPrompt(14, 63)];
    const together = await Promise.all(prompts.map((tokens) => answer(tight, tokens, 150)));
    // Four pages a sequence in the end, two at first: tokens of the second page come before any is taken away.
    for (const [i, tokens] of prompts.entries()) {
      const { tokens: alone } = await answer(fleet, tokens, 60);
      expect(together[i]!.tokens.slice(0, 60)).toEqual(alone);
    }
  });

  test("where prompts are rows of its steps, tokens depend on no neighbour, cache, chunk or preemption, and answers' blocks are reused", async () => {
    const both = await fleetOf({ format: "block-int8", workingPages: 8, maxSequences: 4 });
    const prompts = [tinyPrompt(11, 60), tinyPrompt(12, 61), tinyPrompt(13, 62), tinyPrompt(14, 163)];
    const together = await Promise.all(prompts.map((tokens) => answer(both, tokens, 90)));
    const small = await fleetOf({ format: "block-int8", policy: { maxChunkTokens: 16, prefixCache: false } });
    for (const [i, tokens] of prompts.entries()) {
      const { tokens: alone } = await answer(small, tokens, 90);
      expect(together[i]!.tokens).toEqual(alone);
    }
    // A prompt takes blocks that decode steps wrote: they hold what its own rows would write.
    const [prompt, first] = [prompts[1]!, together[1]!.tokens];
    const next = await answer(both, [...prompt, ...first, 1], 1);
    expect(next.usage.cachedTokens).toBeGreaterThanOrEqual(2 * BLOCK_TOKENS);
  });
});

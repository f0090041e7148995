// Goal: a live fleet answers token requests: one and two stages alike, whole and streamed, cached and cold. Method: the tiny model in real hosts.
import { afterAll, expect, test } from "vitest";
import { type LiveFleet, startLiveFleet } from "../../src/execute/fleet-host/live-fleet.ts";
import type { TokenOutcome, TokenRequest } from "../../src/execute/fleet-host/token-request.ts";
import { ask, tinyPrompt } from "../support/live-answers.ts";
import { type TinyLiveOptions, tinyLive } from "../support/tiny-live.ts";

const fleets: LiveFleet[] = [];
afterAll(() => Promise.all(fleets.map((fleet) => fleet.close())));

async function fleetOf(options: TinyLiveOptions): Promise<LiveFleet> {
  const { plan, costs } = tinyLive(options);
  const fleet = startLiveFleet({ plan, costs });
  fleets.push(fleet);
  await fleet.up();
  return fleet;
}

async function answer(fleet: LiveFleet, request: Partial<TokenRequest>): Promise<{ tokens: readonly number[]; outcome: TokenOutcome }> {
  const asked = ask(fleet, request);
  const outcome = await asked.outcome;
  return { tokens: asked.tokens, outcome };
}

test("one stage and two stages give the same tokens, alone and together", async () => {
  const [whole, split] = await Promise.all([fleetOf({}), fleetOf({ stages: 2 })]);
  const prompts = [tinyPrompt(1, 5), tinyPrompt(2, 70), tinyPrompt(3, 200), tinyPrompt(4, 130)];
  const alone = [];
  for (const tokens of prompts) alone.push(await answer(whole, { tokens, maxNewTokens: 40 }));
  const together = await Promise.all(prompts.map((tokens) => answer(split, { tokens, maxNewTokens: 40 })));
  expect(together.map((answer) => answer.tokens)).toEqual(alone.map((answer) => answer.tokens));
  expect(alone[0]?.tokens).toHaveLength(40);
  expect(alone[1]?.outcome).toMatchObject({ type: "finished", reason: "length", usage: { promptTokens: 70, generated: 40 } });
});

test("a sequence that needs more pages than there are is preempted, and its tokens are the same", async () => {
  const [roomy, tight] = await Promise.all([fleetOf({}), fleetOf({ workingPages: 8, maxSequences: 4 })]);
  const prompts = [tinyPrompt(11, 60), tinyPrompt(12, 61), tinyPrompt(13, 62), tinyPrompt(14, 63)];
  const request = (tokens: readonly number[]) => ({ tokens, maxNewTokens: 150 });
  const expected = await Promise.all(prompts.map((tokens) => answer(roomy, request(tokens))));
  const got = await Promise.all(prompts.map((tokens) => answer(tight, request(tokens))));
  expect(got.map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens));
});

test("a cancelled request ends, and its place is free for the next", async () => {
  const fleet = await fleetOf({ maxSequences: 1, policy: { queueLimit: 4 } });
  const first = ask(fleet, {
    tokens: tinyPrompt(21, 30),
    maxNewTokens: 900,
    onToken: (index, asked) => index === 5 && asked.live.cancel(),
  });
  const second = ask(fleet, { tokens: tinyPrompt(22, 30), maxNewTokens: 5 });
  expect(await first.outcome).toMatchObject({ type: "finished", reason: "cancelled" });
  expect(await second.outcome).toMatchObject({ type: "finished", reason: "length" });
  expect(first.tokens.length).toBeLessThan(900);
  expect(fleet.live).toBe(0);
});

test("a plan that cannot run says why at once", async () => {
  const { plan, costs } = tinyLive({});
  const missing = { ...plan, model: { ...plan.model, path: "/nowhere/tiny.gguf" } };
  const fleet = startLiveFleet({ plan: missing, costs });
  fleets.push(fleet);
  await expect(fleet.up()).rejects.toMatchObject({ code: "file-unreadable" });
  const stage = { ...plan.replicas[0]!.stages[0]!, driver: "abacus" };
  const other = startLiveFleet({ plan: { ...plan, replicas: [{ ...plan.replicas[0]!, stages: [stage] }] }, costs });
  fleets.push(other);
  await expect(other.up()).rejects.toMatchObject({ code: "driver-missing" });
});

// Goal: a live fleet answers token requests: one and two stages alike, whole and streamed, cached and cold. Method: the tiny model in real hosts.
import { afterAll, expect, test } from "vitest";
import { seededPrng } from "../../src/base/prng.ts";
import { type LiveFleet, startLiveFleet } from "../../src/execute/fleet-host/live-fleet.ts";
import type { TokenOutcome, TokenRequest } from "../../src/execute/fleet-host/token-request.ts";
import { GREEDY } from "../../src/execute/sampling/sampling.ts";
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

interface Answer {
  readonly tokens: readonly number[];
  readonly outcome: TokenOutcome;
}

function ask(fleet: LiveFleet, request: Partial<TokenRequest>): Promise<Answer> {
  const tokens: number[] = [];
  return new Promise((resolve) => {
    const whole = { tokens: [1], maxNewTokens: 8, sampling: { ...GREEDY, ignoreStop: true }, salt: "", priority: 0, ...request };
    fleet.submit(whole, {
      token: (index, token) => {
        expect(index).toBe(tokens.length);
        tokens.push(token);
      },
      end: (outcome) => resolve({ tokens, outcome }),
    });
  });
}

function promptOf(seed: number, length: number): number[] {
  const prng = seededPrng(seed);
  return Array.from({ length }, () => 3 + prng.nextBelow(250));
}

test("one stage and two stages give the same tokens, alone and together", async () => {
  const [whole, split] = await Promise.all([fleetOf({}), fleetOf({ stages: 2 })]);
  const prompts = [promptOf(1, 5), promptOf(2, 70), promptOf(3, 200), promptOf(4, 130)];
  const alone = [];
  for (const tokens of prompts) alone.push(await ask(whole, { tokens, maxNewTokens: 40 }));
  const together = await Promise.all(prompts.map((tokens) => ask(split, { tokens, maxNewTokens: 40 })));
  expect(together.map((answer) => answer.tokens)).toEqual(alone.map((answer) => answer.tokens));
  expect(alone[0]?.tokens).toHaveLength(40);
  expect(alone[1]?.outcome).toMatchObject({ type: "finished", reason: "length", usage: { promptTokens: 70, generated: 40 } });
});

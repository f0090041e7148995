/** Asks a live fleet in tokens and notes what comes, in the order it comes. */
import { expect } from "vitest";
import { seededPrng } from "../../src/base/prng.ts";
import type { LiveFleet } from "../../src/execute/fleet-host/live-fleet.ts";
import type { LiveRequest, TokenOutcome, TokenRequest } from "../../src/execute/fleet-host/token-request.ts";
import { GREEDY, type TokenLogprobs } from "../../src/execute/sampling/sampling.ts";

export interface Asked {
  readonly live: LiveRequest;
  /** Tokens so far; indices are checked as they come. */
  readonly tokens: number[];
  /** Log-probabilities of the tokens, where the sampling asks for them. */
  readonly logprobs: TokenLogprobs[];
  readonly outcome: Promise<TokenOutcome>;
}

export interface AskOptions extends Partial<TokenRequest> {
  readonly onToken?: (index: number, asked: Asked) => void;
}

export function ask(fleet: LiveFleet, options: AskOptions): Asked {
  const { onToken, ...request } = options;
  const whole = { tokens: [1], maxNewTokens: 8, sampling: { ...GREEDY, ignoreStop: true }, salt: "", priority: 0, ...request };
  const tokens: number[] = [];
  const logprobs: TokenLogprobs[] = [];
  let settle: (outcome: TokenOutcome) => void = () => undefined;
  const outcome = new Promise<TokenOutcome>((resolve) => {
    settle = resolve;
  });
  const live = fleet.submit(whole, {
    token: (index, token, told) => {
      expect(index).toBe(tokens.length);
      tokens.push(token);
      if (told !== undefined) logprobs.push(told);
      onToken?.(index, asked);
    },
    end: (ended) => settle(ended),
  });
  const asked: Asked = { live, tokens, logprobs, outcome };
  return asked;
}

/** A seeded prompt of ordinary tokens of the tiny vocabulary. */
export function tinyPrompt(seed: number, length: number): number[] {
  const prng = seededPrng(seed);
  return Array.from({ length }, () => 3 + prng.nextBelow(250));
}

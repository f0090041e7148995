import { seededPrng } from "../../base/prng.ts";
import { type Nanoseconds, NS_PER_MS } from "../../base/units.ts";
import type { LiveFleet } from "../fleet-host/live-fleet.ts";
import type { LiveRequest, TokenOutcome, TokenRequest } from "../fleet-host/token-request.ts";
import { GREEDY } from "../sampling/sampling.ts";

/** One client of a trial. */
export interface TrialRequest {
  /** Since the start of the trial. */
  readonly atNs: Nanoseconds;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/** What one client saw; times since the start of the trial. */
export interface TrialResult {
  /** When it was really submitted: timers are late on a busy machine. */
  readonly submittedNs: Nanoseconds;
  /** Arrival of each token. */
  readonly tokenNs: readonly Nanoseconds[];
  readonly outcome: TokenOutcome["type"];
}

export interface TrialOptions {
  /** Tokens of prompts are drawn below this. */
  readonly vocabulary: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (ended: number) => void;
}

/**
 * Sends a list of requests to a live fleet at their times and notes when their tokens come. Prompts are random and of a salt of their own, so nothing
 * is reused; outputs run to their length.
 *
 * Errors: the signal's reason when it is aborted; requests under way are cancelled.
 */
export async function liveTrial(
  fleet: LiveFleet,
  requests: readonly TrialRequest[],
  options: TrialOptions,
): Promise<readonly TrialResult[]> {
  const { signal, onProgress } = options;
  signal.throwIfAborted();
  const prng = seededPrng(options.seed);
  const prompts = requests.map(({ promptTokens }) => Array.from({ length: promptTokens }, () => prng.nextBelow(options.vocabulary)));
  const startMs = performance.now();
  const elapsedNs = (): Nanoseconds => Math.round((performance.now() - startMs) * NS_PER_MS);
  // One listener ends all: a signal with one for every request would be taken for a leak.
  const stops = new Set<() => void>();
  let ended = 0;
  const run = (request: TrialRequest, index: number): Promise<TrialResult> =>
    new Promise((resolve, reject) => {
      let live: LiveRequest | undefined;
      const submit = (): void => {
        const submittedNs = elapsedNs();
        const tokenNs: Nanoseconds[] = [];
        live = fleet.submit(requestOf(request, prompts[index]!, options.seed), {
          token: () => tokenNs.push(elapsedNs()),
          end: ({ type }) => {
            stops.delete(stop);
            ended += 1;
            onProgress?.(ended);
            resolve({ submittedNs, tokenNs, outcome: type });
          },
        });
      };
      const timer = setTimeout(submit, Math.max(0, request.atNs / NS_PER_MS - (performance.now() - startMs)));
      const stop = (): void => {
        clearTimeout(timer);
        live?.cancel();
        reject(signal.reason);
      };
      stops.add(stop);
    });
  const abort = (): void => {
    for (const stop of [...stops]) stop();
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.all(requests.map(run));
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function requestOf({ outputTokens }: TrialRequest, tokens: readonly number[], seed: number): TokenRequest {
  const sampling = { ...GREEDY, ignoreStop: true };
  return { tokens, maxNewTokens: outputTokens, sampling, salt: `trial ${seed}`, priority: 0 };
}

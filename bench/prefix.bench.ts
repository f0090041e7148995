/** A shared prefix: what the second request waits for its first token, against its suffix alone; and that its answer is a cold run's. */

import { readFileSync } from "node:fs";
import { seededPrng } from "../src/base/prng.ts";
import { type ServingStack, startStack, untilUp } from "../src/cli/serving-stack.ts";
import { makeLocalPlan } from "../src/cli/up.ts";
import { DEFAULT_MODEL } from "../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../src/execute/model-store/open-model.ts";
import { GREEDY } from "../src/execute/sampling/sampling.ts";
import type { Bench, BenchReport } from "./bench.ts";

const PREFIX = 600;
const SUFFIX = 32;
const OUTPUT = 24;
const ROUNDS = 9;
/** What the second request may cost beside its suffix. */
const FACTOR_MAX = 1.2;
const EXTRA_MS = 10;

interface Timed {
  readonly ttftMs: number;
  readonly tokens: readonly number[];
  /** Log-probability of the likeliest token over the second likeliest, for each. */
  readonly margins: readonly number[];
  readonly cached: number;
}

interface Round {
  readonly cold: Timed;
  readonly second: Timed;
  readonly suffix: Timed;
  /** The second request again, with nothing cached. */
  readonly again: Timed;
}

export const bench: Bench = {
  name: "prefix",
  run: async ({ note }): Promise<BenchReport> => {
    const made = await makeLocalPlan({ model: DEFAULT_MODEL });
    const stack = startStack({ plan: made.plan, rack: made.rack, model: openDecoderModel(made.modelPath), ledger: undefined });
    try {
      await untilUp(stack, new AbortController().signal);
      const rounds: Round[] = [];
      for (let round = 0; round <= ROUNDS; round++) {
        const one = await measure(stack, round);
        note(
          `round ${round}: cold ${one.cold.ttftMs.toFixed(1)}, second ${one.second.ttftMs.toFixed(1)}, suffix ${one.suffix.ttftMs.toFixed(1)} ms`,
        );
        // The first round warms up.
        if (round > 0) rounds.push(one);
      }
      return report(made.plan.replicas[0]!.stages.map(({ device, prefillFormat }) => `${device} ${prefillFormat}`).join(", "), rounds);
    } finally {
      await stack.fleet.close();
    }
  },
};

async function measure(stack: ServingStack, round: number): Promise<Round> {
  const prng = seededPrng(round);
  const text = stack.front.tokenizer.encode(readFileSync("ARCHITECTURE.md", "utf8"), { addSpecial: false });
  const draw = (count: number): number[] => {
    const from = prng.nextBelow(text.length - count);
    return text.slice(from, from + count);
  };
  const prefix = draw(PREFIX);
  const one = draw(SUFFIX);
  const two = draw(SUFFIX);
  const cold = await ask(stack, [...prefix, ...one], `${round}`);
  const second = await ask(stack, [...prefix, ...two], `${round}`);
  const suffix = await ask(stack, two, `${round}`);
  const again = await ask(stack, [...prefix, ...two], `${round} again`);
  return { cold, second, suffix, again };
}

async function ask(stack: ServingStack, tokens: readonly number[], salt: string): Promise<Timed> {
  const startMs = performance.now();
  let ttftMs = 0;
  const got: number[] = [];
  const margins: number[] = [];
  return new Promise((resolve, reject) => {
    stack.fleet.submit(
      { tokens, maxNewTokens: OUTPUT, sampling: { ...GREEDY, ignoreStop: true, topLogprobs: 2 }, salt, priority: 0 },
      {
        token: (_index, token, logprobs) => {
          margins.push((logprobs?.top[0]?.logprob ?? 0) - (logprobs?.top[1]?.logprob ?? 0));
          if (got.length === 0) ttftMs = performance.now() - startMs;
          got.push(token);
        },
        end: (outcome) => {
          if (outcome.type === "finished") resolve({ ttftMs, tokens: got, margins, cached: outcome.usage.cachedTokens });
          else reject(outcome.error);
        },
      },
    );
  });
}

function report(setup: string, rounds: readonly Round[]): BenchReport {
  const middle = (of: (round: Round) => number): number => rounds.map(of).sort((a, b) => a - b)[rounds.length >> 1]!;
  const equal = rounds.filter(({ second, again }) => second.tokens.join() === again.tokens.join()).length;
  const margins = rounds.flatMap(({ second, again }) => {
    const at = second.tokens.findIndex((token, i) => token !== again.tokens[i]);
    return at < 0 ? [] : [Math.min(second.margins[at]!, again.margins[at]!)];
  });
  return {
    setup: [`${DEFAULT_MODEL} on ${setup}; prefix ${PREFIX}, suffix ${SUFFIX} tokens, ${rounds.length} rounds after one; medians`],
    figures: [
      { name: "TTFT of the first request, cold", value: middle(({ cold }) => cold.ttftMs), unit: "ms" },
      { name: "TTFT of the second request", value: middle(({ second }) => second.ttftMs), unit: "ms" },
      { name: "TTFT of the suffix alone", value: middle(({ suffix }) => suffix.ttftMs), unit: "ms" },
      {
        name: `(second - ${EXTRA_MS} ms) / suffix alone`,
        value: middle(({ second, suffix }) => (second.ttftMs - EXTRA_MS) / suffix.ttftMs),
        unit: "x",
        floor: { max: FACTOR_MAX },
      },
      {
        name: "cached tokens reported",
        value: middle(({ second }) => second.cached),
        unit: "tokens",
        floor: { min: PREFIX },
      },
      { name: "answers equal to a cold run's", value: equal / rounds.length, unit: "share" },
      { name: "largest top-2 margin where one departs", value: Math.max(0, ...margins), unit: "nats" },
    ],
  };
}

/**
 * A shared prefix: what the second request waits for its first token, against its suffix alone; and that its answer is a cold run's. On the plan
 * as made, or on each device that is named after `--` (`-- cpu-0-1 ov-cpu-0-1:block-int8`, the format being that of both phases): these hold the whole
 * model and answer in turns.
 */

import { readFileSync } from "node:fs";
import { seededPrng } from "../src/base/prng.ts";
import { type ServingStack, startStack, untilUp } from "../src/cli/serving-stack.ts";
import { makeLocalPlan } from "../src/cli/up.ts";
import { DEFAULT_MODEL } from "../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../src/execute/model-store/open-model.ts";
import { GREEDY } from "../src/execute/sampling/sampling.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";

const PREFIX = 600;
const SUFFIX = 32;
/** Tokens of an answer that is compared; the others end with their first. */
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

interface Way {
  readonly name: string;
  readonly stack: ServingStack;
  readonly rounds: Round[];
}

export const bench: Bench = {
  name: "prefix",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const ways: Way[] = [];
    try {
      for (const device of rest.length === 0 ? [undefined] : rest) ways.push(await started(device));
      for (let round = 0; round <= ROUNDS; round++)
        for (const { name, stack, rounds } of ways) {
          const one = await measure(stack, round);
          const times = [one.cold, one.second, one.suffix].map(({ ttftMs }) => ttftMs.toFixed(1));
          note(`round ${round}, ${name}: cold ${times[0]}, second ${times[1]}, suffix ${times[2]} ms`);
          // The first round warms up.
          if (round > 0) rounds.push(one);
        }
      const setup = `${DEFAULT_MODEL}; prefix ${PREFIX}, suffix ${SUFFIX} tokens, ${ROUNDS} rounds after one; medians`;
      return { setup: [setup, ...ways.map(({ name }) => name)], figures: ways.flatMap((way) => figuresOf(way, ways.length > 1)) };
    } finally {
      await Promise.all(ways.map(({ stack }) => stack.fleet.close()));
    }
  },
};

/** The plan as made, or one replica whole on a device, in a format where one is named; up. */
async function started(asked: string | undefined): Promise<Way> {
  const [device = "", format] = asked?.split(":") ?? [];
  const whole = asked === undefined ? {} : { pin: [{ stage: 0, device }], replicas: 1, stages: 1 };
  const formats = format === undefined ? {} : { prefillFormat: format, decodeFormat: format };
  const made = await makeLocalPlan({ model: DEFAULT_MODEL, ...whole, ...formats });
  const stack = startStack({ plan: made.plan, rack: made.rack, model: openDecoderModel(made.modelPath), ledger: undefined });
  await untilUp(stack, new AbortController().signal);
  const replicas = made.plan.replicas.map(({ stages }) =>
    stages
      .map(({ device, driver, prefillFormat, decodeFormat }) => `${device} (${driver} ${prefillFormat}/${decodeFormat})`)
      .join(" then "),
  );
  return { name: replicas.join(", "), stack, rounds: [] };
}

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
  const cold = await ask(stack, [...prefix, ...one], { salt: `${round}`, output: 1 });
  const second = await ask(stack, [...prefix, ...two], { salt: `${round}`, output: OUTPUT });
  const suffix = await ask(stack, two, { salt: `${round}`, output: 1 });
  const again = await ask(stack, [...prefix, ...two], { salt: `${round} again`, output: OUTPUT });
  return { cold, second, suffix, again };
}

async function ask(stack: ServingStack, tokens: readonly number[], wish: { salt: string; output: number }): Promise<Timed> {
  const { salt, output } = wish;
  const startMs = performance.now();
  let ttftMs = 0;
  const got: number[] = [];
  const margins: number[] = [];
  return new Promise((resolve, reject) => {
    stack.fleet.submit(
      { tokens, maxNewTokens: output, sampling: { ...GREEDY, ignoreStop: true, topLogprobs: 2 }, salt, priority: 0 },
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

function figuresOf({ name: way, rounds }: Way, several: boolean): Figure[] {
  const middle = (of: (round: Round) => number): number => rounds.map(of).sort((a, b) => a - b)[rounds.length >> 1]!;
  const equal = rounds.filter(({ second, again }) => second.tokens.join() === again.tokens.join()).length;
  const margins = rounds.flatMap(({ second, again }) => {
    const at = second.tokens.findIndex((token, i) => token !== again.tokens[i]);
    return at < 0 ? [] : [Math.min(second.margins[at]!, again.margins[at]!)];
  });
  const figures: Figure[] = [
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
  ];
  return several ? figures.map((figure) => ({ ...figure, name: `${way}: ${figure.name}` })) : figures;
}

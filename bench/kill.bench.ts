/** `kill -9` of the replica host under load, on the real model: do all streams finish, and as a run forced through the same tokens would? */
import { readFileSync } from "node:fs";
import { must } from "../src/base/assert.ts";
import { seededPrng } from "../src/base/prng.ts";
import { type ServingStack, startStack, untilUp } from "../src/cli/serving-stack.ts";
import { makeLocalPlan } from "../src/cli/up.ts";
import { DEFAULT_MODEL } from "../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../src/execute/model-store/open-model.ts";
import { GREEDY } from "../src/execute/sampling/sampling.ts";
import type { Bench, BenchReport } from "./bench.ts";

const KILLS = 10;
const STREAMS = 8;
const PROMPT = 100;
const OUTPUT = 48;
/** Margin (nats) below which two ways of adding up may choose another token. */
const MARGIN = 0.25;

interface Stream {
  readonly prompt: readonly number[];
  readonly tokens: number[];
  readonly margins: number[];
  /** Tokens that came before the host was lost. */
  before: number;
  finished: boolean;
}

interface Tally {
  streams: number;
  finished: number;
  resumed: number;
  equal: number;
  departures: number[];
  recoveryMs: number[];
}

export const bench: Bench = {
  name: "kill",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const kills = Number(rest[0] ?? KILLS);
    const made = await makeLocalPlan({ model: DEFAULT_MODEL });
    const stack = startStack({ plan: made.plan, rack: made.rack, model: openDecoderModel(made.modelPath), ledger: undefined });
    const tally: Tally = { streams: 0, finished: 0, resumed: 0, equal: 0, departures: [], recoveryMs: [] };
    try {
      await untilUp(stack, new AbortController().signal);
      for (let kill = 1; kill <= kills; kill++) {
        await killOnce(stack, kill, tally);
        note(
          `kill ${kill}: ${tally.finished} of ${tally.streams} streams finished, ${tally.equal} of ${tally.resumed} continuations equal`,
        );
      }
      return report(kills, tally);
    } finally {
      await stack.fleet.close();
    }
  },
};

async function killOnce(stack: ServingStack, kill: number, tally: Tally): Promise<void> {
  const { fleet, front } = stack;
  const prng = seededPrng(kill);
  const text = front.tokenizer.encode(readFileSync("ARCHITECTURE.md", "utf8"), { addSpecial: false });
  const life = fleet.status[0]?.incarnation;
  const killAfter = 1 + prng.nextBelow(STREAMS * OUTPUT - STREAMS);
  let seen = 0;
  let killedMs = 0;
  let resumedMs = 0;
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, () => {
      const from = prng.nextBelow(text.length - PROMPT);
      return run(stack, { tokens: text.slice(from, from + PROMPT), output: OUTPUT, salt: `kill ${kill}` }, (stream) => {
        if (fleet.status[0]?.incarnation === life) stream.before = stream.tokens.length;
        else if (resumedMs === 0) resumedMs = performance.now();
        if (++seen !== killAfter) return;
        process.kill(must(fleet.hostPid(0), "a host runs"), "SIGKILL");
        killedMs = performance.now();
      });
    }),
  );
  tally.streams += streams.length;
  tally.finished += streams.filter(({ finished, tokens }) => finished && tokens.length === OUTPUT).length;
  if (resumedMs > 0) tally.recoveryMs.push(resumedMs - killedMs);
  for (const { prompt, tokens, margins, before } of streams) {
    if (before >= OUTPUT) continue;
    tally.resumed++;
    const forced = { tokens: [...prompt, ...tokens.slice(0, before)], output: OUTPUT - before, salt: `forced ${kill} ${before}` };
    const again = await run(stack, forced, () => undefined);
    const at = again.tokens.findIndex((token, i) => token !== tokens[before + i]);
    if (at < 0) tally.equal++;
    else tally.departures.push(Math.min(again.margins[at]!, margins[before + at]!));
  }
}

function run(
  stack: ServingStack,
  given: { tokens: readonly number[]; output: number; salt: string },
  onToken: (stream: Stream) => void,
): Promise<Stream> {
  const stream: Stream = { prompt: given.tokens, tokens: [], margins: [], before: 0, finished: false };
  const sampling = { ...GREEDY, ignoreStop: true, topLogprobs: 2 };
  return new Promise((resolve) => {
    stack.fleet.submit(
      { tokens: given.tokens, maxNewTokens: given.output, sampling, salt: given.salt, priority: 0 },
      {
        token: (_index, token, logprobs) => {
          stream.tokens.push(token);
          stream.margins.push((logprobs?.top[0]?.logprob ?? 0) - (logprobs?.top[1]?.logprob ?? 0));
          onToken(stream);
        },
        end: (outcome) => {
          stream.finished = outcome.type === "finished";
          resolve(stream);
        },
      },
    );
  });
}

function report(kills: number, tally: Tally): BenchReport {
  const recovery = [...tally.recoveryMs].sort((a, b) => a - b);
  return {
    setup: [`${DEFAULT_MODEL}; ${kills} kills with ${STREAMS} streams each, prompts of ${PROMPT}, outputs of ${OUTPUT} tokens, greedy`],
    figures: [
      { name: "streams that finished", value: tally.finished / tally.streams, unit: "share", floor: { min: 1 } },
      { name: "continuations equal to a forced run", value: tally.equal / Math.max(1, tally.resumed), unit: "share" },
      {
        name: "largest top-2 margin where one departs",
        value: Math.max(0, ...tally.departures),
        unit: "nats",
        floor: { max: MARGIN },
      },
      { name: "continuations", value: tally.resumed, unit: "streams" },
      { name: "first token after a kill, median", value: recovery[recovery.length >> 1] ?? 0, unit: "ms" },
    ],
  };
}

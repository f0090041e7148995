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
  /** Tokens that came with another index than the next. */
  outOfOrder: number;
  finished: boolean;
}

/** How runs forced through what streams had sent compare with what the streams went on to send. */
interface Forced {
  runs: number;
  equal: number;
  /** Where one departs: the smaller margin of the two, in nats. */
  departures: number[];
}

interface Tally {
  streams: number;
  finished: number;
  outOfOrder: number;
  kills: Forced;
  /** The same without a kill: what other neighbours in a step alone do. */
  control: Forced;
  recoveryMs: number[];
}

export const bench: Bench = {
  name: "kill",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const kills = Number(rest[0] ?? KILLS);
    const made = await makeLocalPlan({ model: DEFAULT_MODEL });
    const stack = startStack({ plan: made.plan, rack: made.rack, model: openDecoderModel(made.modelPath), ledger: undefined });
    const none = (): Forced => ({ runs: 0, equal: 0, departures: [] });
    const tally: Tally = { streams: 0, finished: 0, outOfOrder: 0, kills: none(), control: none(), recoveryMs: [] };
    try {
      await untilUp(stack, new AbortController().signal);
      for (let kill = 1; kill <= kills; kill++) {
        await killOnce(stack, kill, tally);
        note(
          `kill ${kill}: ${tally.finished} of ${tally.streams} streams finished, continuations equal ${tally.kills.equal} of ${tally.kills.runs}, without a kill ${tally.control.equal} of ${tally.control.runs}`,
        );
      }
      return report(kills, tally);
    } finally {
      await stack.fleet.close();
    }
  },
};

/** Runs streams, kills the host among them, and forces each again through what it had sent before; then all of it without the kill. */
async function killOnce(stack: ServingStack, kill: number, tally: Tally): Promise<void> {
  const { fleet } = stack;
  const prng = seededPrng(kill);
  const prompts = drawPrompts(stack, prng);
  const life = fleet.status[0]?.incarnation;
  const killAfter = 1 + prng.nextBelow(STREAMS * OUTPUT - STREAMS);
  let seen = 0;
  let killedMs = 0;
  let resumedMs = 0;
  const streams = await runAll(stack, { prompts, salt: `kill ${kill}` }, (stream) => {
    if (fleet.status[0]?.incarnation === life) stream.before = stream.tokens.length;
    else if (resumedMs === 0) resumedMs = performance.now();
    if (++seen !== killAfter) return;
    process.kill(must(fleet.hostPid(0), "a host runs"), "SIGKILL");
    killedMs = performance.now();
  });
  tally.streams += streams.length;
  tally.finished += streams.filter(({ finished, tokens }) => finished && tokens.length === OUTPUT).length;
  tally.outOfOrder += streams.reduce((sum, { outOfOrder }) => sum + outOfOrder, 0);
  if (resumedMs > 0) tally.recoveryMs.push(resumedMs - killedMs);
  await forceAll(stack, { streams, salt: `forced ${kill}` }, tally.kills);
  const calm = await runAll(stack, { prompts, salt: `calm ${kill}` }, () => undefined);
  for (const [i, stream] of calm.entries()) stream.before = streams[i]!.before;
  await forceAll(stack, { streams: calm, salt: `forced calm ${kill}` }, tally.control);
}

function drawPrompts({ front }: ServingStack, prng: ReturnType<typeof seededPrng>): number[][] {
  const text = front.tokenizer.encode(readFileSync("ARCHITECTURE.md", "utf8"), { addSpecial: false });
  return Array.from({ length: STREAMS }, () => {
    const from = prng.nextBelow(text.length - PROMPT);
    return text.slice(from, from + PROMPT);
  });
}

function runAll(
  stack: ServingStack,
  { prompts, salt }: { prompts: readonly (readonly number[])[]; salt: string },
  onToken: (stream: Stream) => void,
): Promise<Stream[]> {
  return Promise.all(prompts.map((tokens) => run(stack, { tokens, output: OUTPUT, salt }, onToken)));
}

/** Forces each stream through its prompt and what it had sent, all together as they ran, and compares what follows. */
async function forceAll(stack: ServingStack, { streams, salt }: { streams: readonly Stream[]; salt: string }, into: Forced): Promise<void> {
  const resumed = streams.filter(({ before }) => before < OUTPUT);
  const forced = await Promise.all(
    resumed.map(({ prompt, tokens, before }, i) =>
      run(stack, { tokens: [...prompt, ...tokens.slice(0, before)], output: OUTPUT - before, salt: `${salt} ${i}` }, () => undefined),
    ),
  );
  for (const [i, { tokens, margins, before }] of resumed.entries()) {
    const again = forced[i]!;
    const at = again.tokens.findIndex((token, j) => token !== tokens[before + j]);
    into.runs++;
    if (at < 0 && again.tokens.length === OUTPUT - before) into.equal++;
    else into.departures.push(at < 0 ? Number.POSITIVE_INFINITY : Math.min(again.margins[at]!, margins[before + at]!));
  }
}

function run(
  stack: ServingStack,
  given: { tokens: readonly number[]; output: number; salt: string },
  onToken: (stream: Stream) => void,
): Promise<Stream> {
  const stream: Stream = { prompt: given.tokens, tokens: [], margins: [], before: 0, outOfOrder: 0, finished: false };
  const sampling = { ...GREEDY, ignoreStop: true, topLogprobs: 2 };
  return new Promise((resolve) => {
    stack.fleet.submit(
      { tokens: given.tokens, maxNewTokens: given.output, sampling, salt: given.salt, priority: 0 },
      {
        token: (index, token, logprobs) => {
          if (index !== stream.tokens.length) stream.outOfOrder++;
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
  const share = ({ equal, runs }: Forced): number => equal / Math.max(1, runs);
  return {
    setup: [
      `${DEFAULT_MODEL}; ${kills} kills with ${STREAMS} streams each, prompts of ${PROMPT}, outputs of ${OUTPUT} tokens, greedy`,
      "control: the same streams, not killed, forced through as many of their own tokens",
    ],
    figures: [
      { name: "streams that finished", value: tally.finished / tally.streams, unit: "share", floor: { min: 1 } },
      { name: "tokens sent twice, late or out of order", value: tally.outOfOrder, unit: "tokens", floor: { max: 0 } },
      { name: "continuations", value: tally.kills.runs, unit: "streams", floor: { min: 1 } },
      { name: "continuations equal to a forced run", value: share(tally.kills), unit: "share" },
      { name: "control: equal without a kill", value: share(tally.control), unit: "share" },
      {
        name: "largest top-2 margin where one departs",
        value: Math.max(0, ...tally.kills.departures),
        unit: "nats",
        floor: { max: MARGIN },
      },
      { name: "control: largest such margin without a kill", value: Math.max(0, ...tally.control.departures), unit: "nats" },
      { name: "first token after a kill, median", value: recovery[recovery.length >> 1] ?? 0, unit: "ms" },
    ],
  };
}

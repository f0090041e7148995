import { randomInt } from "node:crypto";
import { HeddleError } from "../base/heddle-error.ts";
import type { TokenUsage } from "../execute/fleet-host/token-request.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { GREEDY } from "../execute/sampling/sampling.ts";
import { promptEncoder } from "../serve/prompt-encoder.ts";
import { ledgerPlace } from "./http-and-ledger.ts";
import { note, printResult } from "./output.ts";
import { abortOnSignal } from "./serve-until-signal.ts";
import { type ServingStack, startStack, untilUp } from "./serving-stack.ts";
import { type LocalFlags, makeLocalPlan } from "./up.ts";

interface RunOptions extends LocalFlags {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed?: number;
  readonly system?: string;
  readonly raw?: boolean;
  readonly stop?: readonly string[];
  readonly json?: boolean;
}

interface Answer {
  readonly text: string;
  readonly reason: string;
  readonly usage: TokenUsage;
  readonly ttftMs: number;
  readonly tokensPerSecond: number;
}

const SEED_RANGE = 2 ** 31;
const MS_PER_S = 1_000;
export async function run(prompt: string, options: RunOptions): Promise<void> {
  if (options.raw === true && options.system !== undefined) {
    throw new HeddleError("usage", { where: "--system", detail: "a raw prompt has no system message" });
  }
  const ledger = ledgerPlace(options);
  const made = await makeLocalPlan(options);
  const { signal, release } = abortOnSignal();
  const stack = startStack({ plan: made.plan, rack: made.rack, model: openDecoderModel(made.modelPath), ledger });
  try {
    await untilUp(stack, signal);
    const answer = await ask(stack, { prompt, options, signal });
    if (options.json === true) printResult(true, { prompt, model: made.plan.model.name, ...answer }, () => "");
    else
      note(
        `\n${answer.usage.generated} tokens, first after ${answer.ttftMs.toFixed(0)} ms, then ${answer.tokensPerSecond.toFixed(1)} tokens/s`,
      );
  } finally {
    release();
    await stack.fleet.close();
  }
}

async function ask(stack: ServingStack, given: { prompt: string; options: RunOptions; signal: AbortSignal }): Promise<Answer> {
  const { prompt, options, signal } = given;
  const { front } = stack;
  const encoder = promptEncoder(front.tokenizer, front.contextLimit);
  const system = options.system === undefined ? [] : [{ role: "system", content: options.system }];
  const raw = options.raw === true || !front.tokenizer.hasChatTemplate;
  const tokens = raw ? encoder.text(prompt) : encoder.chat([...system, { role: "user", content: prompt }]);
  const seed = options.seed ?? randomInt(SEED_RANGE);
  const sampling = { ...GREEDY, temperature: options.temperature, topP: options.topP, seed };
  const maxNewTokens = Math.min(options.maxTokens, Math.max(1, front.contextLimit - tokens.length));
  const request = { tokens, maxNewTokens, stop: options.stop ?? [], sampling, salt: "", priority: 0 };
  const startMs = performance.now();
  const times: number[] = [];
  let text = "";
  for await (const event of front.generate(request, { signal, onToken: () => void times.push(performance.now()) })) {
    if (event.type === "piece") {
      text += event.text;
      if (options.json !== true) process.stdout.write(event.text);
      continue;
    }
    if (event.reason === "cancelled") throw new HeddleError("interrupted");
    const [first = startMs] = times;
    const seconds = ((times.at(-1) ?? first) - first) / MS_PER_S;
    const tokensPerSecond = seconds > 0 ? (times.length - 1) / seconds : 0;
    if (options.json !== true) process.stdout.write("\n");
    return { text, reason: event.reason, usage: event.usage, ttftMs: first - startMs, tokensPerSecond };
  }
  throw new HeddleError("internal", { detail: "a generation ended without saying so" });
}

import { randomInt } from "node:crypto";
import type { Command } from "commander";
import { HeddleError } from "../base/heddle-error.ts";
import type { TokenUsage } from "../execute/fleet-host/token-request.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { GREEDY } from "../execute/sampling/sampling.ts";
import { promptEncoder } from "../serve/prompt-encoder.ts";
import { note, printResult } from "./output.ts";
import { abortOnSignal } from "./serve-until-signal.ts";
import { ledgerPlace, numberFrom, wholeNumber } from "./serving-options.ts";
import { type ServingStack, startStack, untilUp } from "./serving-stack.ts";
import { addLocalOptions, type LocalFlags, makeLocalPlan } from "./up.ts";

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

const DEFAULT_MAX_TOKENS = 256;
const SEED_RANGE = 2 ** 31;
const MS_PER_S = 1_000;
const HELP = `
Examples:
  heddle run "Why is the sky blue?"
  heddle run --raw "Once upon a time" --max-tokens 60 --temperature 0.8 --seed 7`;

/** Adds `heddle run`. */
export function addRunCommand(program: Command): void {
  const command = program.command("run").description("Print a model's answer to one prompt.").argument("<prompt>", "what to ask");
  addLocalOptions(command)
    .option("--max-tokens <count>", "most tokens to generate", wholeNumber(1), DEFAULT_MAX_TOKENS)
    .option("--temperature <t>", "0 takes the likeliest token", numberFrom(0, 2), 0)
    .option("--top-p <p>", "keep the likeliest tokens up to this share", numberFrom(1e-6, 1), 1)
    .option("--seed <seed>", "fixes what is drawn", wholeNumber(0))
    .option("--system <text>", "system message before the prompt")
    .option("--raw", "continue the text itself, without the chat template")
    .option("--stop <text...>", "end before any of these")
    .option("--json", "print one JSON document at the end")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(prompt: string, options: RunOptions): Promise<void> {
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

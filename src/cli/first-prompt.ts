import { must } from "../base/assert.ts";
import type { Estimate } from "../cost/estimate.ts";
import { stepCostFrom } from "../cost/step-cost-from.ts";
import { GREEDY } from "../execute/sampling/sampling.ts";
import { formatNs } from "./output.ts";
import type { ServingStack } from "./serving-stack.ts";

/** Length of the prompt the plan's prediction is for, and of the output that is timed. */
const PROMPT_TOKENS = 512;
const OUTPUT_TOKENS = 33;
const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;
const TEXT = "A rack of unlike devices is one machine when the work is placed where it runs best and moved when that changes. ";

export interface Compared {
  readonly predicted: Estimate;
  readonly measuredNs: number;
  /** (measured - predicted) / predicted. */
  readonly error: number;
}

/** What a first prompt showed. */
export interface FirstPrompt {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly ttft: Compared;
  readonly tpot: Compared;
  readonly tokensPerSecond: number;
}

/**
 * Runs one prompt alone, after a few tokens that warm the hosts up, and compares its times with the plan's prediction. Undefined where the context is
 * too short for the prompt the prediction is for.
 *
 * Errors: those of generation; the signal's reason.
 */
export async function measureFirstPrompt(stack: ServingStack, signal: AbortSignal): Promise<FirstPrompt | undefined> {
  const { front, plan, costs } = stack;
  if (front.contextLimit < PROMPT_TOKENS + OUTPUT_TOKENS) return undefined;
  const unit = front.tokenizer.encode(TEXT, { addSpecial: false });
  const tokens = Array.from({ length: PROMPT_TOKENS }, (_, i) => unit[i % unit.length]!);
  await timed(stack, { tokens: tokens.slice(0, 16), outputTokens: 4, signal });
  const times = await timed(stack, { tokens, outputTokens: OUTPUT_TOKENS, signal });
  const [first] = times;
  const last = times.at(-1);
  if (first === undefined || last === undefined || times.length < 2) return undefined;
  const cost = stepCostFrom(must(costs[0], "a cost model for each replica"));
  const context = PROMPT_TOKENS + Math.round(OUTPUT_TOKENS / 2);
  const step = cost.ok ? cost.value.stepEstimate({ prefill: [], decodeContexts: [context], sampledRows: 1 }) : plan.predicted.tpot;
  const tpotNs = (last - first) / (times.length - 1);
  return {
    promptTokens: PROMPT_TOKENS,
    outputTokens: times.length,
    ttft: compare(plan.predicted.ttft512, first),
    tpot: compare(step, tpotNs),
    tokensPerSecond: NS_PER_S / tpotNs,
  };
}

/** Times of the tokens since the request was made. Units: ns. Errors: the signal's reason where it ended the request, which then says only `cancelled`. */
async function timed(
  stack: ServingStack,
  run: { tokens: readonly number[]; outputTokens: number; signal: AbortSignal },
): Promise<number[]> {
  const startMs = performance.now();
  const times: number[] = [];
  const sampling = { ...GREEDY, ignoreStop: true };
  // A salt of its own: nobody finds these blocks, and they find nobody's.
  const request = {
    tokens: run.tokens,
    maxNewTokens: run.outputTokens,
    stop: [],
    sampling,
    salt: `first-prompt-${run.tokens.length}`,
    priority: 0,
  };
  const onToken = (): void => void times.push((performance.now() - startMs) * NS_PER_MS);
  try {
    for await (const event of stack.front.generate(request, { signal: run.signal, onToken })) {
      if (event.type === "end") break;
    }
  } finally {
    run.signal.throwIfAborted();
  }
  return times;
}

function compare(predicted: Estimate, measuredNs: number): Compared {
  return { predicted, measuredNs, error: measuredNs / predicted.valueNs - 1 };
}

/** The comparison as lines for people. */
export function firstPromptText(shown: FirstPrompt): string {
  const line = (what: string, { predicted, measuredNs, error }: Compared): string =>
    `  ${what}: predicted ${formatNs(predicted.valueNs)} (90 %: ${formatNs(predicted.lowNs)} to ${formatNs(predicted.highNs)}, ${predicted.basis}), ` +
    `measured ${formatNs(measuredNs)}, error ${error >= 0 ? "+" : ""}${(error * 100).toFixed(0)} %`;
  const predictedRate = NS_PER_S / shown.tpot.predicted.valueNs;
  return [
    `first prompt of ${shown.promptTokens} tokens, alone`,
    line("time to first token", shown.ttft),
    line("time per token", shown.tpot),
    `  speed: predicted ${predictedRate.toFixed(1)} tokens/s, measured ${shown.tokensPerSecond.toFixed(1)} tokens/s`,
  ].join("\n");
}

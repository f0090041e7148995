import { HeddleError } from "../../base/heddle-error.ts";
import type { Tokenizer } from "../../graph/tokenizer/tokenizer.ts";
import type { Plan } from "../../plan/plan.ts";
import { wholeModelDriver } from "../../plan/whole-model.ts";
import { BLOCK_TOKENS } from "../../state/block.ts";
import type { LiveFleet } from "../fleet-host/live-fleet.ts";
import type { TokenOutcome } from "../fleet-host/token-request.ts";
import { eventQueue } from "./event-queue.ts";
import { stopScanner } from "./stop-strings.ts";
import type { TextEvent, TextRequest, TokenText } from "./text-request.ts";

/** Text in, text out, over a live fleet: what the HTTP edge and `heddle run` use. */
export interface TextFront {
  readonly model: string;
  readonly tokenizer: Tokenizer;
  /** Longest prompt + output of any request, in tokens. */
  readonly contextLimit: number;
  readonly fleet: LiveFleet;
  /** Working KV pages of each replica. */
  readonly pages: readonly number[];
  /**
   * Generates. Ending the iteration early, or the signal, cancels the request.
   *
   * Errors, thrown before the first event: `request-invalid`, `request-unsupported`, `prompt-too-long`, `queue-full`, `draining`, `host-lost`;
   * later `device-failed`, `host-lost`.
   */
  generate(request: TextRequest, options: GenerateOptions): AsyncGenerator<TextEvent, void, undefined>;
}

export interface GenerateOptions {
  readonly signal: AbortSignal;
  /** Called for every token as it comes, before any text is held back. */
  readonly onToken?: () => void;
}

export function createTextFront(plan: Plan, fleet: LiveFleet, tokenizer: Tokenizer): TextFront {
  const contextLimit = Math.min(...plan.replicas.map((replica) => Math.min(replica.contextLimit, replica.workingPages * BLOCK_TOKENS)));
  const relative = plan.replicas.flatMap(({ stages }) => stages).find(({ driver }) => wholeModelDriver(driver))?.device;
  return {
    model: plan.model.name,
    tokenizer,
    contextLimit,
    fleet,
    pages: plan.replicas.map((replica) => replica.workingPages),
    generate: (request, options) => generate({ fleet, tokenizer, contextLimit, relative }, request, options),
  };
}

interface Parts extends Pick<TextFront, "fleet" | "tokenizer" | "contextLimit"> {
  /** Device whose driver gives logits only up to a constant of each row, if any. */
  readonly relative: string | undefined;
}

/** Checks a prompt against the context, and biases against the vocabulary; gives the number of tokens it may generate. */
function checkedBudget({ contextLimit, tokenizer, relative }: Parts, request: TextRequest): number {
  const { tokens, maxNewTokens, sampling } = request;
  if (relative !== undefined && sampling.repetitionPenalty !== 1) {
    const detail = `repetition_penalty: ${relative} gives probabilities, and the penalty multiplies logits; frequency_penalty and presence_penalty work`;
    throw new HeddleError("request-unsupported", { where: "repetition_penalty", detail });
  }
  if (tokens.length === 0) throw new HeddleError("request-invalid", { where: "prompt", detail: "it has no tokens" });
  const unknown = tokens.find((token) => token < 0 || token >= tokenizer.vocabularySize);
  if (unknown !== undefined) throw new HeddleError("request-invalid", { where: "prompt", detail: `there is no token ${unknown}` });
  const biased = sampling.logitBias.find(([token]) => token >= tokenizer.vocabularySize);
  if (biased !== undefined) throw new HeddleError("request-invalid", { where: "logit_bias", detail: `there is no token ${biased[0]}` });
  const room = contextLimit - tokens.length;
  const wanted = maxNewTokens ?? Math.max(1, room);
  if (wanted <= room) return wanted;
  const detail = `${tokens.length} prompt tokens and ${wanted} to generate; the context has ${contextLimit}`;
  throw new HeddleError("prompt-too-long", { detail });
}

async function* generate(parts: Parts, request: TextRequest, options: GenerateOptions): AsyncGenerator<TextEvent, void, undefined> {
  const { signal, onToken } = options;
  const maxNewTokens = checkedBudget(parts, request);
  if (signal.aborted) throw new HeddleError("cancelled");
  const { tokens, sampling, salt, priority } = request;
  const events = eventQueue<TextEvent>();
  const text = textOfTokens(parts.tokenizer, request, events.push);
  const live = parts.fleet.submit(
    { tokens, maxNewTokens, sampling, salt, priority },
    {
      token: (index, token, logprobs) => {
        onToken?.();
        if (text.take({ token, logprobs })) live.stop(index + 1);
      },
      end: (outcome) => finish(outcome, text, events),
    },
  );
  const cancel = (): void => live.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    yield* events.drain();
  } finally {
    signal.removeEventListener("abort", cancel);
    // Harmless when the request has ended.
    live.cancel();
  }
}

function finish(outcome: TokenOutcome, text: TokenTexts, events: ReturnType<typeof eventQueue<TextEvent>>): void {
  if (outcome.type === "rejected") {
    events.fail(outcome.error);
    return;
  }
  text.flush();
  const { reason, usage } = outcome;
  // The last token may have completed a stop string and the length at once.
  if (text.stopped) events.push({ type: "end", reason: "stop", usage: { ...usage, generated: text.taken } });
  else events.push({ type: "end", reason, usage });
  events.end();
}

interface TokenTexts {
  /** Takes a token; true when it completes a stop string. */
  take(token: TokenText): boolean;
  flush(): void;
  readonly stopped: boolean;
  readonly taken: number;
}

/** Decodes tokens and looks for stop strings. Where log-probabilities were asked for, each token comes at once; else with its text. */
function textOfTokens(tokenizer: Tokenizer, request: TextRequest, push: (event: TextEvent) => void): TokenTexts {
  const decoder = tokenizer.streamDecoder();
  const scanner = stopScanner(request.stop);
  const atOnce = request.sampling.topLogprobs !== undefined;
  let pending: TokenText[] = [];
  let stopped = false;
  let taken = 0;
  const emit = (text: string): void => {
    if (text === "" && !(atOnce && pending.length > 0)) return;
    push({ type: "piece", text, tokens: pending });
    pending = [];
  };
  return {
    take: (token) => {
      if (stopped) return false;
      taken++;
      pending.push(token);
      const scanned = scanner.push(decoder.push(token.token));
      stopped = scanned.stopped;
      emit(scanned.text);
      return stopped;
    },
    flush: () => {
      if (stopped) return;
      const scanned = scanner.push(decoder.flush());
      stopped = scanned.stopped;
      emit(stopped ? scanned.text : scanned.text + scanner.flush());
    },
    get stopped() {
      return stopped;
    },
    get taken() {
      return taken;
    },
  };
}

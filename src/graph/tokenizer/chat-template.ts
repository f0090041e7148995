import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { HeddleError } from "../../base/heddle-error.ts";

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface ChatTemplateOptions {
  /** Ends the text where the assistant's answer begins. */
  readonly addGenerationPrompt: boolean;
  /** The date in a `strftime` format, for templates that ask; without it they use the date they were written with. */
  readonly strftimeNow?: (format: string) => string;
}

export interface SpecialTexts {
  readonly bosToken: string;
  readonly eosToken: string;
}

/** Longest list a template may count through; a damaged template must not take the memory. */
const MAX_RANGE = 100_000;

/**
 * Turns messages into the text of a prompt by a model's Jinja template. The template is parsed when first used.
 *
 * Errors: `tokenizer-unsupported` for a template that cannot be parsed; `request-invalid` for messages it refuses.
 */
export function chatTemplate(
  source: string,
  special: SpecialTexts,
): (messages: readonly ChatMessage[], options: ChatTemplateOptions) => string {
  let template: Template | undefined;
  return (messages, options) => {
    template ??= parse(source);
    const environment = new Environment();
    const variables = { ...GLOBALS, ...inputs(messages, special, options) };
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    try {
      return String(new Interpreter(environment).run(template.parsed).value);
    } catch (cause) {
      if (cause instanceof HeddleError) throw cause;
      throw refused(cause instanceof Error ? cause.message : String(cause), cause);
    }
  };
}

/** What every template may use. The library's own globals read the host's clock and build lists of any length. */
const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range: boundedRange,
  raise_exception: (message: unknown): never => {
    throw refused(String(message));
  },
};

function inputs(messages: readonly ChatMessage[], special: SpecialTexts, options: ChatTemplateOptions): Record<string, unknown> {
  return {
    messages: messages.map((message) => ({ ...message })),
    add_generation_prompt: options.addGenerationPrompt,
    bos_token: special.bosToken,
    eos_token: special.eosToken,
    ...(options.strftimeNow === undefined ? {} : { strftime_now: options.strftimeNow }),
  };
}

function refused(detail: string, cause?: unknown): HeddleError {
  return new HeddleError("request-invalid", { where: "messages", detail: `the model's chat template says: ${detail}`, cause });
}

function parse(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new HeddleError("tokenizer-unsupported", { where: "chat template", detail, cause });
  }
}

function boundedRange(first: number, second?: number, step = 1): number[] {
  const [from, to] = second === undefined ? [0, first] : [first, second];
  const length = Math.ceil((to - from) / step);
  if (!(length <= MAX_RANGE)) throw new HeddleError("request-invalid", { where: "chat template", detail: `it counts to ${to}` });
  return Array.from({ length: Math.max(0, length) }, (_unused, i) => from + i * step);
}

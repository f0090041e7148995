import { HeddleError } from "../base/heddle-error.ts";
import type { ChatMessage } from "../graph/tokenizer/chat-template.ts";
import type { Tokenizer } from "../graph/tokenizer/tokenizer.ts";

/** Prompts as tokens. */
export interface PromptEncoder {
  chat(messages: readonly ChatMessage[]): number[];
  text(prompt: string): number[];
}

/** A text longer than this many characters for each token of the context is looked at piece by piece first: ordinary text has about four. */
const CHARACTERS_PER_TOKEN = 4;
const PIECE_CHARACTERS = 8_192;
/** A cut changes a few tokens beside it; only a count this far over the context refuses a text. */
const SAFETY = 2;

/**
 * Encodes prompts for a context. A text that cannot fit is refused before all of it is tokenised, so that no request keeps the process from its
 * streams for long: 165,000 digits are refused in 60 ms instead of 1.1 s.
 *
 * Errors: `prompt-too-long`; those of the chat template.
 */
export function promptEncoder(tokenizer: Tokenizer, contextLimit: number): PromptEncoder {
  const charactersMax = contextLimit * longestToken(tokenizer);
  const encode = (text: string, addSpecial: boolean): number[] => {
    if (text.length > charactersMax || isFarTooLong(tokenizer, text, contextLimit)) {
      throw new HeddleError("prompt-too-long", { detail: `${text.length} characters are more than ${contextLimit} tokens` });
    }
    return tokenizer.encode(text, { addSpecial });
  };
  return {
    chat: (messages) => encode(tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true, strftimeNow: formatToday }), false),
    text: (prompt) => encode(prompt, true),
  };
}

function isFarTooLong(tokenizer: Tokenizer, text: string, contextLimit: number): boolean {
  if (text.length <= CHARACTERS_PER_TOKEN * contextLimit) return false;
  let tokens = 0;
  for (let at = 0; at < text.length; at += PIECE_CHARACTERS) {
    tokens += tokenizer.encode(text.slice(at, at + PIECE_CHARACTERS), { addSpecial: false }).length;
    if (tokens > SAFETY * contextLimit) return true;
  }
  return false;
}

/** Bytes of the longest token; no UTF-16 unit has fewer than one byte. */
function longestToken(tokenizer: Tokenizer): number {
  let longest = 1;
  for (let id = 0; id < tokenizer.vocabularySize; id++) longest = Math.max(longest, tokenizer.tokenBytes(id).length);
  return longest;
}

/** Today's date (UTC) in the few forms chat templates ask for. */
function formatToday(format: string): string {
  const now = new Date();
  const part = (options: Intl.DateTimeFormatOptions): string => now.toLocaleDateString("en-GB", { timeZone: "UTC", ...options });
  const parts: Readonly<Record<string, string>> = {
    "%d": part({ day: "2-digit" }),
    "%m": part({ month: "2-digit" }),
    "%Y": String(now.getUTCFullYear()),
    "%y": String(now.getUTCFullYear()).slice(-2),
    "%b": part({ month: "short" }).slice(0, 3),
    "%B": part({ month: "long" }),
    "%A": part({ weekday: "long" }),
    "%a": part({ weekday: "short" }),
  };
  return format.replace(/%[a-zA-Z]/g, (directive) => parts[directive] ?? directive);
}

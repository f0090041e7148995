import type { TokenPieces } from "./token-pieces.ts";

/** Text of tokens that arrive one by one. Characters whose bytes are spread over tokens come out whole; broken ones as U+FFFD. */
export interface TokenStream {
  /** Text that became certain with this token; empty while a character is incomplete. */
  push(id: number): string;
  /** What is left at the end. */
  flush(): string;
}

export interface TokenStreamOptions {
  /** Give the text of special tokens too; default false. */
  readonly special?: boolean;
  /** The tokens begin a text, so SentencePiece's extra first space is dropped; default false. */
  readonly startOfText?: boolean;
}

export function tokenStream(pieces: TokenPieces, options: TokenStreamOptions = {}): TokenStream {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let strip = options.startOfText === true && pieces.stripsFirstSpace;
  const emit = (text: string): string => {
    if (!strip || text === "") return text;
    strip = false;
    return text.startsWith(" ") ? text.slice(1) : text;
  };
  return {
    push: (id) => {
      if (options.special !== true && pieces.isSpecial(id)) return "";
      return emit(decoder.decode(pieces.bytes(id), { stream: true }));
    },
    flush: () => emit(decoder.decode()),
  };
}
